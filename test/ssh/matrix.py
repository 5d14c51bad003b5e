# SPDX-License-Identifier: Apache-2.0
"""The 35 things that a renter does with SSH, and the tests that show each of them. A row whose tests
did not all pass is one that does not work."""

MATRIX = (
    ("a command", "a_command_runs"),
    ("its exit status", "exit_codes_come_back"),
    ("its output and its errors apart", "output_and_error_are_apart"),
    ("the container's environment", "every_variable_of_the_container_is_there"),
    ("the image's PATH", "the_images_environment_is_there"),
    ("SendEnv", "sent_variables_arrive"),
    ("quoting", "quoting_arrives_as_it_was"),
    ("the end of standard input", "input_ends"),
    ("a script on standard input", "a_script_on_standard_input"),
    ("a terminal", "a_terminal_is_one"),
    ("its size", "the_terminal_has_its_size_from_the_start", "the_terminals_size_changes"),
    ("TERM", "term_is_passed_on"),
    ("a login shell", "a_login_shell_says_so", "a_shell_in_a_terminal"),
    ("64 MiB up", "64_mib_up"),
    ("64 MiB there and back, by their hash", "64_mib_there_and_back"),
    ("200 MiB down", "200_mib_down"),
    ("scp up", "scp_both_ways"),
    ("scp down", "scp_both_ways"),
    ("scp -r", "scp_of_folders"),
    ("scp -O", "scp_of_old"),
    ("an sftp batch", "sftp_does_all_it_can"),
    ("rsync up", "rsync_both_ways"),
    ("rsync down", "rsync_both_ways"),
    ("ssh -L", "local_forward"),
    ("20 at once through -L", "local_forward"),
    ("ssh -D", "dynamic_forward", "a_tunnel_beside_a_shell"),
    ("a forward that is refused, then a good one", "local_forward"),
    ("ssh -R", "remote_forward"),
    ("eight channels of one connection", "eight_channels_of_one_connection"),
    ("programs end with their client, without a terminal", "a_dropped_client_ends_its_program"),
    ("and with one", "a_dropped_client_ends_its_program"),
    ("what was detached goes on", "what_was_detached_goes_on"),
    ("a wrong key", "a_wrong_key_is_told_so"),
    ("an RSA key", "keys_of_every_kind"),
    ("a login that is quick", "a_login_is_quick"),
)

NEED_A_SHELL = {"a script on standard input", "a login shell"}


def report(passed, known, has_shell):
    """One line for all, and one for each row that does not work; `passed` and `known`: names of tests."""
    strangers = {name for _, *names in MATRIX for name in names} - known
    if strangers:
        raise SystemExit(f"the matrix names tests that are none: {', '.join(sorted(strangers))}")
    rows = [row for row in MATRIX if has_shell or row[0] not in NEED_A_SHELL]
    broken = [what for what, *names in rows if not passed.issuperset(names)]
    for what in broken:
        print(f"does not work: {what}")
    print(f"SSH matrix: {len(rows) - len(broken)} of {len(rows)}")
    return not broken
