#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/monitoring/grafana.json, from the rows below: tools/dashboard.py >deploy/monitoring/grafana.json"""

import json

# Title, unit as Grafana calls it, and queries with their legends.
PANELS = [
    ("Servers that answer", "short", [("sum(up{job=\"berthd\"})", "servers")]),
    ("The database answers; the market is in recovery", "short", [
        ("min(berth_store_up)", "answers"), ("max(berth_recovery_open)", "recovery")]),
    ("Since the last backup", "s", [("time() - (max(berth_backup_time_seconds) > 0)", "by berthd backup")]),
    ("What is to be sent, and late", "s", [("max(berth_outbox_late_seconds)", "the oldest")]),
    ("Agents connected", "short", [("berth_agents_connected", "{{instance}}")]),
    ("Requests", "reqps", [("sum by (code) (rate(berth_http_requests_total[5m]))", "{{code}}")]),
    ("Slowest requests (99 of 100 are faster)", "s", [
        ("histogram_quantile(0.99, sum by (le, route) (rate(berth_http_request_seconds_bucket{route!~\"/agent/v1/desired|/api/v0/events/\"}[5m])))",
         "{{route}}")]),
    ("Heartbeats", "ops", [("sum by (outcome) (rate(berth_heartbeats_total[5m]))", "{{outcome}}")]),
    ("Sessions opened, agents refused", "ops", [
        ("sum(rate(berth_agent_sessions_total[5m]))", "opened"), ("sum(rate(berth_agent_refusals_total[5m]))", "refused")]),
    ("Writes", "ops", [("rate(berth_store_writes_total[5m])", "{{instance}} writes"),
                       ("rate(berth_store_commits_total[5m])", "{{instance}} commits")]),
    ("Conflicts and failures of the store", "ops", [
        ("rate(berth_store_retries_total[5m])", "{{instance}} again"),
        ("rate(berth_store_failures_total[5m])", "{{instance}} failed")]),
    ("Writes that wait", "short", [("berth_store_queue_length", "{{instance}}")]),
    ("Offers", "short", [("berth_catalog_offers", "{{instance}}"), ("berth_catalog_machines", "{{instance}} machines")]),
    ("Instances running", "short", [("max(berth_instances_running)", "instances")]),
    ("Statements of the database", "ops", [("rate(berth_store_statements_total[5m])", "{{instance}}")]),
    ("Slow requests, timers and statements", "ops", [
        ("sum(rate(berth_slow_requests_total[5m]))", "requests"), ("sum(rate(berth_slow_jobs_total[5m]))", "timers"),
        ("sum(rate(berth_store_slow_statements_total[5m]))", "statements")]),
    ("Searches", "ops", [("sum(rate(berth_searches_total[5m]))", "searches"),
                         ("sum(rate(berth_searches_kept_total[5m]))", "of them answered as before")]),
    ("Journals", "short", [("max(berth_ledger_newest_journal)", "newest")]),
    ("Payouts on their way", "s", [("max(berth_payouts_oldest_seconds)", "the oldest, since its cut")]),
    ("Time that waits for an operator", "short", [("max(berth_parked_ticks)", "pieces")]),
    ("Timers", "ops", [("sum by (outcome) (rate(berth_jobs_total[5m]))", "{{outcome}}")]),
    ("Mail and webhooks", "ops", [("sum by (outcome) (rate(berth_deliveries_total[5m]))", "{{outcome}}")]),
    ("Requests that wait, connections cut off", "short", [
        ("sum(berth_http_queued)", "wait"), ("sum(rate(berth_http_cut_off_total[5m]))", "cut off a second")]),
    ("Connections", "short", [("berth_http_connections", "{{instance}}"), ("berth_agent_polls_parked", "{{instance}} held")]),
    ("Memory", "bytes", [("process_resident_memory_bytes{job=\"berthd\"}", "{{instance}}")]),
    ("Relay", "Bps", [("sum(rate(berth_relay_up_bytes_total[5m]))", "from instances"),
                      ("sum(rate(berth_relay_down_bytes_total[5m]))", "to instances")]),
    ("Hosts: without a server, without an engine", "short", [
        ("count(berth_host_connected == 0) or vector(0)", "no server"),
        ("count(berth_host_engine_ok == 0) or vector(0)", "no engine")]),
    ("Hosts: instances", "short", [("sum by (phase) (berth_host_instances)", "{{phase}}")]),
    ("Hosts: GPUs at work", "percentunit", [("avg by (instance) (berth_host_gpu_ratio)", "{{instance}}")]),
    ("Hosts: traffic of instances", "Bps", [
        ("sum by (instance) (rate(berth_host_instance_sent_bytes_total[5m]))", "{{instance}} out"),
        ("sum by (instance) (rate(berth_host_instance_received_bytes_total[5m]))", "{{instance}} in")]),
    ("Hosts: free disk", "bytes", [("berth_host_disk_free_bytes", "{{instance}}")]),
    ("Hosts: memory of the agent", "bytes", [("process_resident_memory_bytes{job=\"berth-host\"}", "{{instance}}")]),
    ("Hosts: programs", "short", [("count by (version) (berth_host_info)", "{{version}}")]),
    ("Hosts: releases not taken, given up", "short", [
        ("sum(increase(berth_host_updates_not_taken_total[1h]))", "not taken in an hour"),
        ("sum(berth_host_updates_given_up)", "given up")]),
    ("Hosts: warmest GPU, GPUs slowed by heat", "short", [
        ("max(berth_host_gpu_temperature_celsius)", "degrees"),
        ("sum(berth_host_gpu_slowed{by=\"heat\"})", "slowed")]),
    ("Clock beside the books", "s", [("berth_clock_apart_seconds", "{{instance}}")]),
]


def panel(number, title, unit, queries):
    return {
        "id": number + 1, "type": "timeseries", "title": title, "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"w": 8, "h": 8, "x": 8 * (number % 3), "y": 8 * (number // 3)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0 if unit != "s" else None}, "overrides": []},
        "targets": [{"refId": chr(ord("A") + i), "expr": expr, "legendFormat": legend}
                    for i, (expr, legend) in enumerate(queries)],
    }


print(json.dumps({
    "title": "Berth", "uid": "berth", "schemaVersion": 38, "editable": True, "refresh": "30s",
    "time": {"from": "now-6h", "to": "now"},
    "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
    "panels": [panel(i, *row) for i, row in enumerate(PANELS)],
}, indent=1))
