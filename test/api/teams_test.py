#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Teams: made, joined by the code from a mail, acted for with what a role allows, and left at once.

The verbs of the command line are run against the same server, by the names that clients know.
"""

import json
import os
import subprocess
import unittest

from world import BIN, Person, World

API = "/api/v0"


class Teams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.bo = cls.world.user("bo", credit="25.00")
        cls.cy = cls.world.user("cy")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def refused(self, who, method, path, body, status, code):
        got, reply = who.call(method, API + path, body)
        self.assertEqual((got, reply["error"]), (status, code), reply)

    def team(self, owner, name):
        return self.world.team(owner, name)

    def test_the_life_of_a_team(self):
        crew = self.team(self.ada, "life")
        mine = {"id": crew.id, "name": "life", "role": "owner"}
        self.assertIn(mine, self.ada.ok("GET", API + "/teams/")["teams"])
        bo = self.world.join(crew, self.bo, "bo@berth.test", "member")
        members = crew.ok("GET", API + "/team/members/")
        self.assertEqual([(row["id"], row["roles"]) for row in members],
                         [(self.ada.id, ["owner"]), (self.bo.id, ["member"])])
        # In the team's name: its things, its credit, and not the member's own.
        self.assertEqual(bo.ok("GET", API + "/users/current")["id"], crew.id)
        self.assertEqual(bo.ok("GET", API + "/users/current")["credit"], 0)
        rows = crew.ok("GET", API + "/auth/apikeys/")["apikeys"]
        self.assertEqual([(row["team_id"], row["team_name"]) for row in rows], [(crew.id, "life")])
        self.refused(bo, "POST", "/team/roles/", {"name": "r", "permissions": {"api": {}}}, 403, "not_authorized")
        self.refused(bo, "PUT", "/users/", {"fullname": "x"}, 403, "not_authorized")
        self.refused(bo, "DELETE", "/team/", {}, 403, "not_authorized")
        # Who did it is in the team's audit log.
        crew.ok("POST", API + "/secrets/", {"key": "A", "value": "b"})
        rows = [row for row in crew.ok("GET", API + "/audit_logs/") if row["api_route"] == "api.secret.create"]
        self.assertEqual([row["member_id"] for row in rows], [self.ada.id])
        done = crew.ok("DELETE", f"{API}/team/members/{self.bo.id}/", {})
        self.assertEqual(done["status"], "success")
        self.refused(bo, "GET", "/users/current", None, 401, "auth_error")
        self.refused(crew, "DELETE", f"/team/members/{self.ada.id}/", {}, 400,
                     "owner_cannot_be_removed")
        crew.ok("DELETE", API + "/team/", {})
        self.refused(crew, "GET", "/users/current", None, 401, "auth_error")
        self.assertNotIn(mine, self.ada.ok("GET", API + "/teams/")["teams"])

    def test_roles_by_name_and_by_number(self):
        crew = self.team(self.ada, "roles")
        rows = crew.ok("GET", API + "/team/roles-full/")
        self.assertEqual([row["name"] for row in rows], ["manager", "member"])
        rights = {"api": {"instance_read": {}, "user_read": {"api.user.show": {}}}}
        crew.ok("POST", API + "/team/roles/", {"name": "read er", "permissions": rights})
        shown = crew.ok("GET", API + "/team/roles/read%20er/")
        self.assertEqual((shown["permissions"], shown["identifier"]), (rights, "read er"))
        bo = self.world.join(crew, self.bo, "bo@berth.test", "read er")
        self.assertEqual(bo.call("GET", API + "/instances/")[0], 200)
        self.assertEqual(bo.call("GET", API + "/users/current")[0], 200)
        self.refused(bo, "GET", "/auth/apikeys/", None, 403, "not_authorized")
        crew.ok("PUT", f"{API}/team/roles/{shown['id']}/", {"name": "none", "permissions": {"api": {}}})
        self.refused(bo, "GET", "/instances/", None, 403, "not_authorized")
        self.refused(crew, "DELETE", "/team/roles/none/", {}, 409, "in_use")
        self.refused(crew, "DELETE", "/team/roles/owner/", {}, 403, "not_allowed")
        self.refused(crew, "POST", "/team/roles/", {"name": "none", "permissions": {"api": {}}}, 400, "name_taken")
        self.refused(crew, "POST", "/team/roles/", {"name": "x", "permissions": {"api": {"all": {}}}},
                     400, "invalid_permissions")
        self.refused(crew, "POST", "/team/roles/", {"name": "x"}, 400, "missing_permissions")
        self.bo.ok("DELETE", f"{API}/teams/{crew.id}/member/", {})
        self.assertEqual(crew.ok("DELETE", API + "/team/roles/none/", {})["status"], "success")

    def test_an_invitation_is_for_whom_it_names(self):
        crew = self.team(self.ada, "invites")
        self.assertEqual(crew.call("POST", API + "/team/invite/", {"email": "cy@berth.test", "role": "member"})[0], 200)
        self.refused(crew, "POST", "/team/invite/?email=cy@berth.test&role=member", {}, 429, "already_invited")
        self.refused(crew, "POST", "/team/invite/", {"role": "member"}, 400, "invalid_args")
        code = self.world.mail_code("cy@berth.test")
        self.refused(self.bo, "POST", "/team/accept/", {"code": code}, 403, "wrong_email")
        self.refused(self.cy, "POST", "/team/accept/", {"code": code[:-1] + "x"}, 400, "invalid_token")
        self.assertEqual(self.cy.ok("POST", API + "/team/accept/", {"code": code})["role"], "member")
        self.refused(self.cy, "POST", "/team/accept/", {"code": code}, 400, "invalid_token")
        # It says nothing at the door of an account: codes have one use each.
        self.assertEqual(self.world.call("POST", API + "/users/verify/", {"code": code})[0], 400)

    def test_a_team_has_neither_password_nor_second_factor(self):
        crew = self.team(self.ada, "plain")
        self.refused(crew, "PUT", "/users/password/", {"new_password": "correct horse battery"}, 400, "login_failed")
        self.refused(crew, "PUT", "/users/email/", {"email": "mine@berth.test"}, 400, "login_failed")
        self.refused(crew, "POST", "/tfa/totp-setup/", {}, 403, "team_user_forbidden")

    def test_an_operator_is_none_for_a_team(self):
        """What an account may besides its own is not its team's."""
        operator = self.world.user("op", is_admin=True)
        crew = self.team(operator, "operators")
        session = self.world.session_of(operator, "correct horse battery")
        self.assertEqual(self.world.call("GET", "/metrics", key=session)[0], 200)
        self.assertEqual(self.world.call("GET", "/metrics", key=session,
                                         headers={"Berth-Team": str(crew.id)})[0], 403)

    def test_a_session_acts_for_the_team_that_it_names(self):
        """With what the role allows, and with the second factor that the session has shown."""
        eve = self.world.user("eve")
        crew = self.team(eve, "named")
        session = self.world.session_of(eve, "correct horse battery")

        def call(method, path, team, body=None, key=session):
            return self.world.call(method, API + path, body, key=key, headers={"Berth-Team": str(team)})

        self.assertEqual(call("GET", "/users/current/", crew.id)[1]["id"], crew.id)
        self.assertEqual(self.world.call("GET", API + "/users/current/", key=session)[1]["id"], eve.id)
        self.assertEqual([row["id"] for row in call("GET", "/team/members/", crew.id)[1]], [eve.id])
        self.assertEqual(call("POST", "/team/roles/", crew.id, {"name": "reader", "permissions": {
            "api": {"team_read": {}}}})[0], 200)
        # Nobody acts for those who are not theirs, and no key for another account than its own.
        other = self.team(self.ada, "foreign")
        for team in (other.id, crew.id + 100000):
            status, reply = call("GET", "/users/current/", team)
            self.assertEqual((status, reply["error"]), (403, "not_authorized"), reply)
        for team, key in ((crew.id, eve.key), ("me", session), (0, session), (-1, session), ("", session)):
            status, reply = call("GET", "/users/current/", team, key=key)
            self.assertEqual((status, reply["error"]), (400, "invalid_request"), reply)
        # A member may what the role allows, and no more; who has left may nothing.
        self.world.join(crew, self.cy, "cy@berth.test", "reader")
        theirs = self.world.session_of(self.cy, "correct horse battery")
        self.assertEqual(call("GET", "/team/members/", crew.id, key=theirs)[0], 200)
        self.assertEqual(call("GET", "/instances/", crew.id, key=theirs)[0], 403)
        self.assertEqual(call("DELETE", "/team/", crew.id, key=theirs)[0], 403)
        crew.ok("DELETE", f"{API}/team/members/{self.cy.id}/", {})
        self.assertEqual(call("GET", "/team/members/", crew.id, key=theirs)[0], 403)
        # The end of the team takes the owner's second factor: its key has none, the session has shown it.
        self.world.second_factor(Person(self.world, eve.id, session))
        self.assertEqual(crew.call("DELETE", API + "/team/", {})[0], 401)
        self.assertEqual(call("DELETE", "/team/", crew.id, {}, key=session)[0], 200)
        self.assertEqual(eve.ok("GET", API + "/teams/")["teams"], [])

    # As clients and people spell it

    def berth(self, who, *words, is_good=True):
        env = {**os.environ, "BERTH_URL": f"http://{self.world.address}", "BERTH_API_KEY": who.key,
               "HOME": str(self.world.dir), "XDG_CONFIG_HOME": str(self.world.dir)}
        done = subprocess.run([BIN / "berth", *words], env=env, capture_output=True, text=True, timeout=60,
                              check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode == 0, is_good, done.stdout + done.stderr)
        return done.stdout.strip()

    def test_the_verbs_of_the_command_line(self):
        key = self.berth(self.bo, "create", "team", "--team_name", "cli")
        self.assertRegex(key, "^[0-9a-f]{64}$")
        crew = Person(self.world, 0, key)
        rights = self.world.dir / "rights.json"
        rights.write_text(json.dumps({"api": {"instance_read": {}}}))
        self.berth(crew, "create", "team-role", "--name", "reader", "--permissions", str(rights))
        self.assertIn("reader", self.berth(crew, "show", "team-roles"))
        role = json.loads(self.berth(crew, "show", "team-role", "reader"))
        self.berth(crew, "update", "team-role", str(role["id"]), "--name", "viewer", "--permissions", str(rights))
        self.berth(crew, "invite", "member", "--email", "ada@berth.test", "--role", "viewer")
        theirs = self.berth(self.ada, "accept", "invite", self.world.mail_code("ada@berth.test"))
        self.assertRegex(theirs, "^[0-9a-f]{64}$")
        self.assertIn("viewer", self.berth(self.ada, "show", "teams"))
        self.assertIn("ada@berth.test", self.berth(crew, "show", "members"))
        team = crew.ok("GET", API + "/users/current")["id"]
        self.assertRegex(self.berth(self.ada, "create", "team-key", str(team)), "^[0-9a-f]{64}$")
        self.berth(crew, "remove", "member", str(self.ada.id))
        self.berth(Person(self.world, 0, theirs), "show", "instances", is_good=False)
        self.berth(self.ada, "leave", "team", str(team), is_good=False)
        self.berth(crew, "remove", "team-role", "viewer")
        self.berth(crew, "destroy", "team")


if __name__ == "__main__":
    unittest.main()
