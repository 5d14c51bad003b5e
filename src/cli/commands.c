/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include "cli/cmd_account.h"
#include "cli/cmd_actions.h"
#include "cli/cmd_bench.h"
#include "cli/cmd_bids.h"
#include "cli/cmd_billing.h"
#include "cli/cmd_clouds.h"
#include "cli/cmd_delete_account.h"
#include "cli/cmd_history.h"
#include "cli/cmd_idle_job.h"
#include "cli/cmd_increases.h"
#include "cli/cmd_instances.h"
#include "cli/cmd_keys.h"
#include "cli/cmd_launch.h"
#include "cli/cmd_login.h"
#include "cli/cmd_logs.h"
#include "cli/cmd_machines.h"
#include "cli/cmd_maint.h"
#include "cli/cmd_market.h"
#include "cli/cmd_migrate.h"
#include "cli/cmd_notifications.h"
#include "cli/cmd_offers.h"
#include "cli/cmd_orders.h"
#include "cli/cmd_payments.h"
#include "cli/cmd_people.h"
#include "cli/cmd_prepay.h"
#include "cli/cmd_rank.h"
#include "cli/cmd_rules.h"
#include "cli/cmd_snapshot.h"
#include "cli/cmd_ssh.h"
#include "cli/cmd_teams.h"
#include "cli/cmd_templates.h"
#include "cli/cmd_upkeep.h"
#include "cli/cmd_verified.h"
#include "cli/cmd_volumes.h"
#include "cli/cmd_webhooks.h"
#include "cli/completion.h"
#include "cli/help.h"

enum { ANY = ARGS_WORDS_MAX };

static const struct args_option no_options[] = { { NULL, 0, NULL, NULL } };
static const struct args_option quiet_options[] = { { "quiet", 'q', NULL, "ids only" },
                                                    { NULL, 0, NULL, NULL } };
static const struct args_option values_options[] = {
    { "show-values", 's', NULL, "nothing: values are not shown to anyone" },
    { NULL, 0, NULL, NULL },
};
static const struct args_option yes_options[] = { { "yes", 'y', NULL, "nothing is asked" },
                                                  { NULL, 0, NULL, NULL } };

#define INSTANCES "show instances -q"
#define MACHINES  "show machines -q"

/* theme; verb, noun, noun optional, needs a market; arguments, words; options, function; ids; help.
 */
const struct command commands[] = {
    { "Rent", "search", "offers", false, true, "[QUERY...]", 0, ANY, cmd_search_offers_options,
      cmd_search_offers, NULL, "find a machine to rent",
      "berth search offers 'num_gpus>=2 gpu_name=RTX_4090 reliability>0.98' -o dph\n"
      "berth search offers 'gpu_ram>=24 geolocation in [SE,DE] verified=any'\n\n"
      "Conditions stand side by side; operators are = != < <= > >= in notin. Memory is in GB and\n"
      "duration in days; an underscore is a blank; `any` takes a default back.\n" },
    { "Rent", "search", "instances", false, true, "[QUERY...]", 0, ANY, cmd_search_offers_options,
      cmd_search_offers, NULL, "the same, by the name that it has elsewhere", "" },
    { "Rent", "metrics", "gpu", false, true, "", 0, 0, cmd_metrics_gpu_options, cmd_metrics_gpu,
      NULL, "supply, demand and prices of the whole market, by GPU", "" },
    { "Rent", "metrics", "gpu-trends", false, true, "[NAMES]", 0, 1, cmd_metrics_trends_options,
      cmd_metrics_trends, NULL, "how supply, demand and prices have moved, hour by hour",
      "berth metrics gpu-trends RTX_4090,H100_SXM --num-gpus 8 --step 7200\n" },
    { "Rent", "metrics", "gpu-locations", false, true, "", 0, 0, cmd_metrics_locations_options,
      cmd_metrics_locations, NULL, "where GPUs are that are offered or rented",
      "berth metrics gpu-locations --gpu RTX_4090 --rented false\n" },
    { "Rent", "bench", NULL, false, true, "[GPU | MACHINE]", 0, 1, cmd_bench_options, cmd_bench,
      NULL, "where DLPerf comes from, and that of a GPU or a machine",
      "berth bench --explain RTX_4090 --profile training\n" },
    { "Rent", "create", "order", false, true, "QUERY...", 1, ANY, cmd_create_order_options,
      cmd_create_order, NULL, "wait for an offer, and rent the first that is found",
      "berth create order 'num_gpus=2 gpu_name=RTX_4090 geolocation in [EU] dph_per_gpu<=0.25' \\\n"
      "    --image ubuntu:22.04 --disk 20\n"
      "berth create order 'num_gpus=1 gpu_name=RTX_4090' -i --bid-price 0.15 --image ubuntu:22.04\n"
      "berth create order 'gpu_name=H200 dph_per_gpu<2' --alert\n\n"
      "It fires once. dph_per_gpu is the price of one GPU and hour, without the disk. A bid is "
      "made\n"
      "where it runs at once.\n" },
    { "Rent", "search", "templates", false, true, "[WORD...]", 0, ANY, no_options,
      cmd_search_templates, NULL, "templates of yours and of everybody, by words in them", "" },
    { "Rent", "create", "template", false, true, "", 0, 0, cmd_create_template_options,
      cmd_create_template, NULL, "keep what to run under a name",
      "berth create template --name jup --image pytorch/pytorch --image_tag 2.4.0 --jupyter\n"
      "berth create instance 4101 --template_hash HASH --disk 20\n" },
    { "Rent", "update", "template", false, true, "HASH", 1, 1, cmd_create_template_options,
      cmd_update_template, NULL, "change a template; what is not named stays", "" },
    { "Rent", "delete", "template", false, true, "", 0, 0, cmd_delete_template_options,
      cmd_delete_template, NULL, "take a template away; instances made with it go on", "" },
    { "Rent", "show", "orders", false, true, "", 0, 0, no_options, cmd_show_orders, NULL,
      "standing orders, and what came of them", "" },
    { "Rent", "delete", "order", false, true, "ID", 1, 1, no_options, cmd_delete_order, NULL,
      "wait no longer", "" },
    { "Rent", "create", "instance", false, true, "OFFER...", 1, ANY, cmd_create_instance_options,
      cmd_create_instance, NULL, "rent an offer, or several",
      "berth create instance 4101 --image ubuntu:22.04 --disk 20 --ssh --direct\n"
      "berth create instance 4101 --image alpine --args sleep 60\n" },
    { "Rent", "launch", "instance", false, true, "", 0, 0, cmd_launch_instance_options,
      cmd_launch_instance, NULL, "rent the first offer that is found",
      "berth launch instance -g RTX_4090 -n 1 -r Europe -i ubuntu:22.04 -d 20 --ssh --direct\n" },
    { "Rent", "update", "instance", false, true, "ID", 1, 1, cmd_update_instance_options,
      cmd_update_instance, INSTANCES, "run something else in an instance, on the same disk size",
      "berth update instance 7001 --image ubuntu:24.04\n\nIts files go.\n" },
    { "Rent", "show", "instances", false, true, "", 0, 0, cmd_show_instances_options,
      cmd_show_instances, NULL, "your rentals", "" },
    { "Rent", "show", "instances-v1", false, true, "", 0, 0, cmd_show_instances_options,
      cmd_show_instances, NULL, "the same, by the name that it has elsewhere", "" },
    { "Rent", "show", "instance", false, true, "ID", 1, 1, quiet_options, cmd_show_instance,
      INSTANCES, "everything about one rental", "" },
    { "Rent", "search", "volumes", false, true, "[QUERY...]", 0, ANY, cmd_search_volumes_options,
      cmd_search_volumes, NULL, "find space on a machine that outlives its instances",
      "berth search volumes 'disk_space>=100 geolocation in [SE,DE]' -o storage_cost\n" },
    { "Rent", "create", "volume", false, true, "OFFER", 1, 1, cmd_create_volume_options,
      cmd_create_volume, NULL, "take space of an offer of volumes",
      "berth create volume 5101 --size 20 --name data\n"
      "berth create instance 4101 --image ubuntu --create-volume 5101 --mount-path /data\n\n"
      "Charged until it is deleted, mounted or not.\n" },
    { "Rent", "show", "volumes", false, true, "", 0, 0, cmd_show_volumes_options, cmd_show_volumes,
      NULL, "your volumes, and what mounts them", "" },
    { "Rent", "delete", "volume", false, true, "ID", 1, 1, no_options, cmd_delete_volume,
      "show volumes -q", "delete a volume and its data, for good",
      "Not while an instance mounts it.\n" },
    { "Rent", "clone", "volume", false, true, "ID OFFER", 2, 2, cmd_clone_volume_options,
      cmd_clone_volume, "show volumes -q", "copy a volume into another",
      "berth clone volume 8101 5101 --size 40\n\nThe offer is of the same machine, whose host "
      "copies. The new "
      "volume can be\nmounted once that is done; `berth show volumes` says so.\n" },
    { "Rent", "ssh", NULL, false, true, "ID [-- COMMAND...]", 1, ANY, cmd_ssh_options, cmd_ssh,
      INSTANCES, "wait until an instance runs, and log in to it",
      "It becomes OpenSSH's own ssh, so its configuration and keys count.\n" },
    { "Rent", "open", NULL, false, true, "ID", 1, 1, cmd_open_options, cmd_open, INSTANCES,
      "open the way to an instance's Jupyter, and say its address",
      "Where the market's relay has a certificate, that is an https:// address, and all is done.\n"
      "Else, or with --port, it becomes ssh with -L 8080:localhost:8080, and stays until Ctrl-C.\n"
      "Browsers trust http://localhost, and everything travels through SSH.\n" },
    { "Rent", "copy", NULL, false, true, "FROM TO", 2, 2, cmd_copy_options, cmd_copy, NULL,
      "copy files between this machine and an instance, or two",
      "berth copy ./data/ 7001:/workspace/data/\nberth copy 7001:/workspace/out .\n"
      "It becomes rsync, through SSH: what is there already is not sent again, and a slash at\n"
      "the end of FROM means what is in that folder. The image needs no rsync of its own.\n"
      "From one instance to another their hosts carry it, and this machine only asks.\n" },
    { "Rent", "cancel", "copy", false, true, "INSTANCE", 1, 1, no_options, cmd_cancel_copy,
      INSTANCES, "end a copy from instance to instance",
      "What has come over by then stays. A copy from or to this machine ends with Ctrl-C.\n" },
    { "Rent", "show", "connections", false, true, "", 0, 0, no_options, cmd_show_connections, NULL,
      "your connections to cloud stores",
      "What it takes to get in there is not shown to anyone.\n" },
    { "Rent", "create", "connection", false, true, "NAME STORE", 2, 2,
      cmd_create_connection_options, cmd_create_connection, NULL,
      "keep a connection to a cloud store",
      "berth create connection bk s3 --file settings\n\n"
      "STORE is s3 (and all that speak as it does), b2, gcs, azureblob, drive, dropbox or webdav.\n"
      "The file has lines `field = value` as in rclone.conf, or is JSON:\n\n"
      "  access_key_id = AKIA...\n  secret_access_key = ...\n  endpoint = "
      "https://s3.example.com\n\n"
      "Give it a key that may do no more than it must: while a copy goes on, the host knows "
      "it.\n" },
    { "Rent", "delete", "connection", false, true, "ID", 1, 1, no_options, cmd_delete_connection,
      NULL, "forget a connection; what goes on by it ends", "" },
    { "Rent", "cloud", "copy", false, true, "", 0, 0, cmd_cloud_copy_options, cmd_cloud_copy, NULL,
      "copy between an instance and a cloud store",
      "berth cloud copy --instance 7001 --connection 3 --src /workspace --dst bucket/run1\n\n"
      "`berth show instance ID` says how far it is.\n" },
    { "Rent", "cancel", "sync", false, true, "INSTANCE", 1, 1, no_options, cmd_cancel_sync,
      INSTANCES, "end a copy to or from a cloud store", "" },
    { "Rent", "logs", NULL, false, true, "ID", 1, 1, cmd_logs_options, cmd_logs, INSTANCES,
      "what an instance has printed", "It is there after the instance has stopped too.\n" },
    { "Rent", "execute", NULL, false, true, "ID COMMAND...", 2, ANY, cmd_execute_options,
      cmd_execute, INSTANCES, "run a command in an instance and print what it says",
      "berth execute 7001 -- ls -l /workspace\n"
      "It ends as the command does, with its exit code.\n" },
    { "Rent", "start", "instance", true, true, "ID...", 1, ANY, no_options, cmd_start_instance,
      INSTANCES, "start instances that are stopped", "" },
    { "Rent", "stop", "instance", true, true, "ID...", 1, ANY, no_options, cmd_stop_instance,
      INSTANCES, "stop instances; their disks are kept, and paid for", "" },
    { "Rent", "reboot", "instance", true, true, "ID...", 1, ANY, cmd_reboot_instance_options,
      cmd_reboot_instance, INSTANCES, "stop and start, keeping disk and GPUs",
      "berth reboot instance 7001 --schedule WEEKLY --day 0 --hour 4\n" },
    { "Rent", "migrate", "instance", true, true, "ID", 1, 1, cmd_migrate_instance_options,
      cmd_migrate_instance, INSTANCES,
      "move what is stopped, or waits for GPUs, to another machine",
      "berth migrate 7001 --dry-run\n"
      "It rents the cheapest offer with the same GPUs on another machine, with the same image, "
      "variables,\n"
      "ports, label and keys, brings all files over, starts it again with them, and only then "
      "destroys\n"
      "the old instance. How long it should take and what it costs is said first. Should it be cut "
      "short,\n"
      "both instances are there: --into goes on with the new one.\n" },
    { "Rent", "recycle", "instance", true, true, "ID", 1, 1, no_options, cmd_recycle_instance,
      INSTANCES, "pull its image and make it from that again: its files go", "" },
    { "Rent", "take", "snapshot", false, true, "ID", 1, 1, cmd_take_snapshot_options,
      cmd_take_snapshot, INSTANCES, "push an instance's files as an image to a registry",
      "berth take snapshot 7001 --repo ada/work:1 --docker_login_user ada --docker_login_pass "
      "TOKEN\n"
      "What Berth put into it (variables, keys, its way to start) is not part of the image.\n" },
    { "Rent", "show", "pending-price-increases", false, true, "", 0, 0, cmd_show_increases_options,
      cmd_show_increases, NULL, "what hosts want you to agree to",
      "A market of Berth's has none: a contract keeps its price to its end.\n" },
    { "Rent", "accept", "price-increase", false, true, "ID...", 1, ANY, cmd_answer_increase_options,
      cmd_accept_increase, INSTANCES, "agree to one of an instance", "" },
    { "Rent", "reject", "price-increase", false, true, "ID...", 1, ANY, cmd_answer_increase_options,
      cmd_reject_increase, INSTANCES, "refuse one of an instance", "" },
    { "Rent", "show", "scheduled-jobs", false, true, "", 0, 0, no_options, cmd_show_scheduled_jobs,
      NULL, "what is done to instances by the hour", "" },
    { "Rent", "delete", "scheduled-job", false, true, "ID", 1, 1, no_options,
      cmd_delete_scheduled_job, NULL, "do it no longer", "" },
    { "Rent", "report", "machine", false, true, "ID", 1, 1, cmd_report_machine_options,
      cmd_report_machine, NULL, "tell its host what is wrong with a machine that you rent",
      "berth report machine 77 --problem network --message 'half of the packets are lost'\n" },
    { "Rent", "show", "reports", false, true, "", 0, 0, no_options, cmd_show_reports, NULL,
      "what you reported, with what hosts answered", "" },
    { "Rent", "rate", "instance", false, true, "ID", 1, 1, cmd_rate_instance_options,
      cmd_rate_instance, INSTANCES, "say how good the machine was, once for each instance",
      "berth rate instance 7001 --stars 5 --message 'It ran and ran.'\n" },
    { "Rent", "show", "ratings", false, true, "HOST", 1, 1, no_options, cmd_show_ratings, NULL,
      "how a host is rated", "" },
    { "Rent", "destroy", "instance", true, true, "ID...", 1, ANY, cmd_destroy_instance_options,
      cmd_destroy_instance, INSTANCES, "end rentals and delete their data, for good", "" },
    { "Rent", "label", "instance", true, true, "ID TEXT", 2, 2, no_options, cmd_label_instance,
      INSTANCES, "call an instance something", "" },
    { "Rent", "grow", "instance", true, true, "ID GB", 2, 2, no_options, cmd_grow_instance,
      INSTANCES, "let an instance's disk grow to so many GB, while it runs", "" },
    { "Rent", "why", NULL, false, true, "ID", 1, 1, no_options, cmd_why, INSTANCES,
      "why an instance is in the state it is in", "" },
    { "Rent", "why-score", NULL, false, true, "MACHINE", 1, 1, cmd_why_score_options, cmd_why_score,
      NULL, "a machine's reliability, worked out anew from its events",
      "berth why-score 12 --hours 72\n" },
    { "Rent", "why-verified", NULL, false, true, "MACHINE", 1, 1, no_options, cmd_why_verified,
      NULL, "what is asked of a machine to be verified, and what it fails", "" },
    { "Rent", "change", "bid", false, true, "ID", 1, 1, cmd_change_bid_options, cmd_change_bid,
      INSTANCES, "bid another price for an instance", "berth change bid 7001 --price 0.24\n" },
    { "Rent", "prepay", "instance", false, true, "ID DOLLARS", 2, 2, no_options, cmd_prepay,
      INSTANCES, "pay ahead for an instance, at a discount",
      "berth prepay instance 7001 50\n\nBought credit is set aside for its GPU time and disk: 20 % "
      "off for a month, 30 % for three,\n40 % for six, as far as its host allows. berth show "
      "deposit ID says what is left of it, and what\ncomes back: whoever destroys it early gets "
      "the rest, less the discount until then.\n" },
    { "Rent", "set", "rules", false, true, "ID", 1, 1, cmd_set_rules_options, cmd_set_rules,
      INSTANCES, "what happens to an instance by itself",
      "berth set rules 7001 --stop-when-idle 30 --destroy-when-stopped 72\n" },
    { "Rent", "ssh-url", NULL, false, true, "ID", 1, 1, no_options, cmd_ssh_url, INSTANCES,
      "an instance's address for ssh", "" },
    { "Rent", "scp-url", NULL, false, true, "ID", 1, 1, no_options, cmd_scp_url, INSTANCES,
      "an instance's address for scp", "" },
    { "Lend", "host", "token", false, true, "", 0, 0, cmd_host_token_options, cmd_host_token, NULL,
      "a one-time token with which a machine joins, or comes back",
      "The token alone goes to standard output: --token \"$(berth host token)\"\n" },
    { "Lend", "show", "machines", false, true, "", 0, 0, cmd_show_machines_options,
      cmd_show_machines, NULL, "the machines that you lend", "" },
    { "Lend", "show", "machine", false, true, "ID", 1, 1, quiet_options, cmd_show_machine, MACHINES,
      "everything about one of your machines", "" },
    { "Lend", "list", "machine", false, true, "ID...", 1, ANY, cmd_list_machine_options,
      cmd_list_machine, MACHINES, "offer a machine, or change what it is offered for",
      "What is not given stays as it is. berth list machine 77 -g 0.35 -s 0.15 -m 1\n" },
    { "Lend", "set", "defjob", false, true, "ID", 1, 1, cmd_set_defjob_options, cmd_set_defjob,
      MACHINES, "what runs on a machine's GPUs while nobody rents them",
      "berth set defjob 77 --price-gpu 0.10 --image miner:1 --args --quiet\n\n"
      "Free of charge; it makes way for any renter, and bids start above its price. With --gpus N\n"
      "it has N of the machine's GPUs at most; bids for the others start above its price, too.\n" },
    { "Lend", "show", "defjob", false, true, "ID", 1, 1, no_options, cmd_show_defjob, MACHINES,
      "the job for a machine's idle GPUs", "" },
    { "Lend", "remove", "defjob", false, true, "ID", 1, 1, no_options, cmd_remove_defjob, MACHINES,
      "run nothing on a machine's idle GPUs", "" },
    { "Lend", "set", "min-bid", false, true, "ID", 1, 1, cmd_set_min_bid_options, cmd_set_min_bid,
      MACHINES, "the lowest bid that a machine takes", "berth set min-bid 77 --price 0.15\n" },
    { "Lend", "extend", "machine", true, true, "ID", 1, 1, cmd_extend_machine_options,
      cmd_extend_machine, MACHINES, "let the rentals on a machine go on for longer",
      "berth extend machine 77 --until 2027-12-31\n\n"
      "At the price that they were made at, or a lower one.\n" },
    { "Lend", "host", "estimate", false, true, "GPU", 1, 1, cmd_host_estimate_options,
      cmd_host_estimate, NULL, "what a machine would earn, from those like it that were rented",
      "berth host estimate RTX_4090 --num-gpus 4 --region EU\n" },
    { "Lend", "schedule", "maint", false, true, "MACHINE", 1, 1, cmd_schedule_maint_options,
      cmd_schedule_maint, MACHINES, "announce when a machine will be away",
      "berth schedule maint 77 --sdate 2027-01-31T08:00 --duration 0.5 "
      "--maintenance-category power\n" },
    { "Lend", "cancel", "maint", false, true, "MACHINE", 1, 1, no_options, cmd_cancel_maint,
      MACHINES, "take all announcements for a machine back", "" },
    { "Lend", "show", "maints", false, true, "", 0, 0, cmd_show_maints_options, cmd_show_maints,
      NULL, "what is announced for your machines and those you rent", "" },
    { "Lend", "host", "reclaim", false, true, "MACHINE", 1, 1, cmd_host_reclaim_options,
      cmd_host_reclaim, MACHINES, "take a machine back: everything on it ends then",
      "berth host reclaim 77 --by 2027-01-31 --reason 'The machine is sold.'\n" },
    { "Lend", "host", "rank", false, true, "MACHINE [QUERY...]", 1, ANY, cmd_host_rank_options,
      cmd_host_rank, MACHINES, "where a machine's offers stand in a search, and what moves them",
      "berth host rank 77 'gpu_name=RTX_4090 num_gpus=1'\n" },
    { "Lend", "list", "volume", false, true, "MACHINE...", 1, ANY, cmd_list_volume_options,
      cmd_list_volume, MACHINES, "offer space for volumes; it replaces what was offered before",
      "berth list volume 77 --size 500 --price_disk 0.08\n" },
    { "Lend", "unlist", "volume", false, true, "OFFER", 1, 1, no_options, cmd_unlist_volume, NULL,
      "take an offer of volumes back; volumes stay", "" },
    { "Lend", "unlist", "machine", false, true, "ID", 1, 1, no_options, cmd_unlist_machine,
      MACHINES, "take a machine's offers back; rentals go on", "" },
    { "Lend", "delete", "machine", false, true, "ID", 1, 1, no_options, cmd_delete_machine,
      MACHINES, "take a machine that nobody rents off the market for good",
      "To let it join again, delete its agent's data and use a new token: it gets another id.\n" },
    { "Lend", "reply", "report", false, true, "REPORT TEXT", 2, 2, no_options, cmd_reply_report,
      NULL, "answer a report of a machine of yours",
      "berth reply report 12 'A cable was loose.'\n" },
    { "Lend", "reports", NULL, false, true, "MACHINE", 1, 1, no_options, cmd_reports, MACHINES,
      "what renters reported of a machine", "" },
    { "Lend", "cleanup", "machine", true, true, "ID", 1, 1, no_options, cmd_cleanup_machine,
      MACHINES, "delete data on it that need not be kept any more", "" },
    { "Lend", "defrag", "machines", true, true, "ID...", 1, ANY, no_options, cmd_defrag_machines,
      MACHINES, "cut the offers of machines anew, of what is free now", "" },
    { "Lend", "show", "earnings", false, true, "", 0, 0, cmd_show_earnings_options,
      cmd_show_earnings, NULL, "what your machines earned, by day and machine",
      "Your share, after the fee. Weeks end on Friday at 00:00 UTC; see show invoices for "
      "payouts.\n" },
    { "Account", "login", NULL, false, false, "", 0, 0, cmd_login_options, cmd_login, NULL,
      "remember a market, and an API key or a session",
      "berth login --url https://berth.example    asks for the key and stores both for this "
      "user\n"
      "berth login --url https://berth.example --email ada@example.org    asks for the "
      "password\n" },
    { "Account", "signup", NULL, false, false, "EMAIL", 1, 1, cmd_signup_options, cmd_signup, NULL,
      "make an account; a code comes by mail", "berth signup ada@example.org --url URL\n" },
    { "Account", "verify", NULL, false, false, "CODE", 1, 1, no_options, cmd_verify, NULL,
      "give back the code that came by mail, and log in", "" },
    { "Account", "reset", "password", false, false, "[EMAIL]", 0, 1, cmd_reset_password_options,
      cmd_reset_password, NULL, "set another password by a code that comes by mail",
      "berth reset password ada@example.org\nberth reset password --code CODE\n" },
    { "Account", "set", "password", false, true, "", 0, 0, no_options, cmd_set_password, NULL,
      "change the password; other sessions end", "" },
    { "Account", "set", "email", false, true, "EMAIL", 1, 1, no_options, cmd_set_email, NULL,
      "change the email, once a code has come there", "" },
    { "Account", "delete", "account", false, true, "[EMAIL]", 0, 1, cmd_delete_account_options,
      cmd_delete_account, NULL, "delete your account, for good",
      "berth delete account --check    what stands against it\n"
      "berth delete account ada@example.org    asks for the password\n"
      "Log in with `berth login --email` first: an API key cannot do it. Keys, sessions, secrets\n"
      "and cards go with it, and what says whose it was; the books and the bills stay.\n" },
    { "Account", "show", "sessions", false, true, "", 0, 0, no_options, cmd_show_sessions, NULL,
      "where you are logged in", "" },
    { "Account", "delete", "session", false, true, "ID", 1, 1, no_options, cmd_delete_session, NULL,
      "end a session", "" },
    { "Account", "delete", "sessions", false, true, "", 0, 0, no_options, cmd_delete_sessions, NULL,
      "end all sessions but this", "" },
    { "Account", "show", "subaccounts", false, true, "", 0, 0, quiet_options, cmd_show_subaccounts,
      NULL, "the accounts below yours", "" },
    { "Account", "create", "subaccount", false, true, "", 0, 0, cmd_create_subaccount_options,
      cmd_create_subaccount, NULL, "make an account below yours",
      "berth create subaccount --email bo@example.org --username bo --type client\n" },
    { "Account", "show", "notifications", false, true, "", 0, 0, no_options, cmd_show_notifications,
      NULL, "what you are told of, and how", "" },
    { "Account", "set", "notifications", false, true, "KIND...", 1, ANY,
      cmd_set_notifications_options, cmd_set_notifications, NULL, "choose what you are told of",
      "berth set notifications client:low_credit client:maintenance --email off\n\n"
      "Mails about security stay on.\n" },
    { "Account", "show", "webhooks", false, true, "", 0, 0, no_options, cmd_show_webhooks, NULL,
      "where else you are told of things", "" },
    { "Account", "create", "webhook", false, true, "", 0, 0, cmd_create_webhook_options,
      cmd_create_webhook, NULL, "be told of things by a signed POST to an address of yours",
      "berth create webhook --webhook-url https://example.org/hook --events client:low_credit\n\n"
      "Its secret alone goes to standard output.\n" },
    { "Account", "test", "webhook", false, true, "ID", 1, 1, no_options, cmd_test_webhook, NULL,
      "send a webhook something to try it with", "" },
    { "Account", "reset", "webhook", false, true, "ID", 1, 1, no_options, cmd_reset_webhook, NULL,
      "give a webhook another secret", "" },
    { "Account", "delete", "webhook", false, true, "ID", 1, 1, no_options, cmd_delete_webhook, NULL,
      "send a webhook nothing any more", "" },
    { "Account", "create", "team", false, true, "", 0, 0, cmd_create_team_options, cmd_create_team,
      NULL, "make an account that several people act for",
      "berth create team --team-name crew --transfer-credit 25\n\n"
      "The key with which you act for it alone goes to standard output.\n" },
    { "Account", "show", "teams", false, true, "", 0, 0, no_options, cmd_show_teams, NULL,
      "the teams that you are a member of", "" },
    { "Account", "create", "team-key", false, true, "TEAM", 1, 1, no_options, cmd_create_team_key,
      NULL, "one more key to act for a team of yours", "" },
    { "Account", "leave", "team", false, true, "TEAM", 1, 1, no_options, cmd_leave_team, NULL,
      "be no member of a team any more", "" },
    { "Account", "destroy", "team", false, true, "", 0, 0, no_options, cmd_destroy_team, NULL,
      "end the team that the key in use acts for", "" },
    { "Account", "show", "members", false, true, "", 0, 0, no_options, cmd_show_members, NULL,
      "who acts for the team", "" },
    { "Account", "invite", "member", false, true, "", 0, 0, cmd_invite_member_options,
      cmd_invite_member, NULL, "let somebody act for the team, by a code that comes by mail",
      "berth invite member --email bo@example.org --role member\n" },
    { "Account", "accept", "invite", false, true, "CODE", 1, 1, no_options, cmd_accept_invite, NULL,
      "join a team with the code that came by mail",
      "With the key of your own account. That of the team alone goes to standard output.\n" },
    { "Account", "remove", "member", false, true, "ID", 1, 1, no_options, cmd_remove_member, NULL,
      "let somebody act for the team no more, at once", "" },
    { "Account", "create", "team-role", false, true, "", 0, 0, cmd_team_role_options,
      cmd_create_team_role, NULL, "say what members of the team may do",
      "berth create team-role --name reader --permissions reader.json\n" },
    { "Account", "show", "team-roles", false, true, "", 0, 0, no_options, cmd_show_team_roles, NULL,
      "what members of the team may do", "A star marks what a role allows in part.\n" },
    { "Account", "show", "team-role", false, true, "NAME", 1, 1, no_options, cmd_show_team_role,
      NULL, "what one role allows, as JSON", "" },
    { "Account", "update", "team-role", false, true, "ID", 1, 1, cmd_team_role_options,
      cmd_update_team_role, NULL, "change a role, for all who have it", "" },
    { "Account", "remove", "team-role", false, true, "NAME", 1, 1, no_options, cmd_remove_team_role,
      NULL, "take away a role that nobody has", "" },
    { "Account", "show", "audit-logs", false, true, "", 0, 0, no_options, cmd_show_audit_logs, NULL,
      "what was called on your account, and from where", "" },
    { "Account", "show", "ipaddrs", false, true, "", 0, 0, no_options, cmd_show_ipaddrs, NULL,
      "from where your account was used", "" },
    { "Account", "tfa", "status", false, true, "", 0, 0, no_options, cmd_tfa_status, NULL,
      "your second factor", "" },
    { "Account", "tfa", "totp-setup", false, true, "", 0, 0, no_options, cmd_tfa_totp_setup, NULL,
      "a secret for an authenticator app", "" },
    { "Account", "tfa", "activate", false, true, "CODE", 1, 1, cmd_tfa_options, cmd_tfa_activate,
      NULL, "the app's first code: from now on it is your second factor", "" },
    { "Account", "tfa", "login", false, true, "", 0, 0, cmd_tfa_options, cmd_tfa_login, NULL,
      "a session for what is sensitive, in place of the API key",
      "berth tfa login -c 123456\nberth tfa login --backup-code AAAA-BBBB-CCCC\n" },
    { "Account", "tfa", "regen-codes", false, true, "", 0, 0, cmd_tfa_options, cmd_tfa_regen_codes,
      NULL, "other backup codes, in place of all", "" },
    { "Account", "tfa", "delete", false, true, "", 0, 0, cmd_tfa_options, cmd_tfa_delete, NULL,
      "remove an authenticator app", "" },
    { "Account", "tfa", "update", false, true, "ID", 1, 1, cmd_tfa_options, cmd_tfa_update, NULL,
      "call an authenticator app something", "" },
    { "Account", "tfa", "auth-new", false, true, "", 0, 0, cmd_tfa_options, cmd_tfa_auth_new, NULL,
      "show a second factor, so that another may be added", "" },
    { "Account", "tfa", "send-email", false, true, "", 0, 0, cmd_tfa_options, cmd_tfa_send_email,
      NULL, "a code by mail, which is no second factor here", "" },
    { "Account", "tfa", "send-sms", false, true, "", 0, 0, cmd_tfa_options, cmd_tfa_send_sms, NULL,
      "a code by text, which is no second factor here", "" },
    { "Account", "tfa", "resend-sms", false, true, "", 0, 0, cmd_tfa_options, cmd_tfa_resend_sms,
      NULL, "the same once more", "" },
    { "Account", "logout", NULL, false, false, "", 0, 0, no_options, cmd_logout, NULL,
      "forget what login remembered", "" },
    { "Account", "show", "user", false, true, "", 0, 0, quiet_options, cmd_show_user, NULL,
      "your account and its credit", "" },
    { "Account", "set", "user", false, true, "", 0, 0, cmd_set_user_options, cmd_set_user, NULL,
      "change what the account says of you", "berth set user --file me.json\n" },
    { "Account", "set", "api-key", false, false, "KEY", 1, 1, no_options, cmd_set_api_key, NULL,
      "remember an API key, without trying it", "" },
    { "Account", "show", "charges", false, true, "", 0, 0, cmd_show_charges_options,
      cmd_show_charges, NULL, "what your rentals were charged, by component and price",
      "berth show charges -s 2026-11-01 -e 2026-11-30 --csv >november.csv\n" },
    { "Account", "show", "invoices", false, true, "", 0, 0, cmd_show_invoices_options,
      cmd_show_invoices, NULL, "credit that came in, refunds, transfers and payouts",
      "berth show invoices -s 2026-11-01      berth show invoices -c is berth show charges\n" },
    { "Account", "show", "invoices-v1", false, true, "", 0, 0, cmd_show_invoices_options,
      cmd_show_invoices, NULL, "the same, by the name that it has elsewhere", "" },
    { "Account", "show", "statements", false, true, "", 0, 0, quiet_options, cmd_show_statements,
      NULL, "the months that are over, each with the number of its statement",
      "What stands in one: berth show charges -s 2026-11-01 -e 2026-11-30. To print: Billing,\n"
      "Statements, in the console.\n" },
    { "Account", "search", "invoices", false, true, "[CONDITION...]", 0, ANY, no_options,
      cmd_search_invoices, NULL, "rows of invoices as they are kept, as JSON",
      "berth search invoices 'amount_cents>100'\n" },
    { "Account", "show", "deposit", false, true, "ID", 1, 1, no_options, cmd_show_deposit,
      INSTANCES, "what is prepaid for a reserved instance", "" },
    { "Account", "add", "credit", false, true, "DOLLARS", 1, 1, no_options, cmd_add_credit, NULL,
      "buy credit: prints the page on which it is paid by card", "berth add credit 25.00\n" },
    { "Account", "show", "deposits", false, true, "", 0, 0, no_options, cmd_show_deposits, NULL,
      "credit that was bought, and what became of it", "" },
    { "Account", "add", "card", false, true, "", 0, 0, no_options, cmd_add_card, NULL,
      "save a card: prints the page on which to leave it", "" },
    { "Account", "show", "cards", false, true, "", 0, 0, no_options, cmd_show_cards, NULL,
      "the saved cards, by their last four digits", "" },
    { "Account", "remove", "card", false, true, "ID", 1, 1, no_options, cmd_remove_card, NULL,
      "never have a card charged again", "" },
    { "Lend", "show", "payouts", false, true, "", 0, 0, cmd_show_payouts_options, cmd_show_payouts,
      NULL, "when you are paid as a host, and what; the newest first",
      "berth show payouts --limit 10\n" },
    { "Lend", "set", "payout-country", false, true, "[COUNTRY [PAYPAL]]", 0, 2, no_options,
      cmd_set_payout_country, NULL, "say in which country you are paid",
      "berth set payout-country US\nberth set payout-country DE hal@example.org\n\nIn the US, "
      "prints "
      "the page of Stripe on which to give your bank. Elsewhere PayPal pays the address\nthat you "
      "name, or the one that you log in with.\n" },
    { "Account", "set", "autopay", false, true, "BELOW DOLLARS", 2, 2, no_options, cmd_set_autopay,
      NULL, "charge a saved card when credit runs low; 0 0 turns it off",
      "berth set autopay 5.00 25.00\n" },
    { "Account", "transfer", "credit", false, true, "[RECIPIENT AMOUNT]", 0, 2,
      cmd_transfer_credit_options, cmd_transfer_credit, NULL, "give bought credit to somebody else",
      "berth transfer credit bo@example.org 5.00\n" },
    { "Account", "show", "api-keys", false, true, "", 0, 0, no_options, cmd_show_api_keys, NULL,
      "your API keys, when each was used last, and what they may do",
      "A star marks what a key may do in part. When a key was used last is known to the hour.\n" },
    { "Account", "show", "api-key", false, true, "ID", 1, 1, no_options, cmd_show_api_key, NULL,
      "what one API key may do", "" },
    { "Account", "create", "api-key", false, true, "", 0, 0, cmd_create_api_key_options,
      cmd_create_api_key, NULL, "make an API key that may do some of what this one may",
      "berth create api-key --name ci --permission_file ci.json\n\n"
      "The file: {\"api\": {\"instance_read\": {}, \"instance_write\": {\"api.instance.reboot\":\n"
      "{\"constraints\": {\"id\": {\"eq\": 7001}}}}}}. The key alone goes to standard output.\n" },
    { "Account", "delete", "api-key", false, true, "ID", 1, 1, no_options, cmd_delete_api_key, NULL,
      "revoke an API key, at once", "" },
    { "Account", "reset", "api-key", false, true, "", 0, 0, no_options, cmd_reset_api_key, NULL,
      "revoke the API key in use, and get another",
      "The new key alone goes to standard output.\n" },
    { "Account", "show", "env-vars", false, true, "", 0, 0, values_options, cmd_show_env_vars, NULL,
      "the variables that your instances get", "Their values are not shown to anyone.\n" },
    { "Account", "create", "env-var", false, true, "NAME VALUE", 2, 2, no_options,
      cmd_create_env_var, NULL, "give a variable to every instance that you make from now on", "" },
    { "Account", "update", "env-var", false, true, "NAME VALUE", 2, 2, no_options,
      cmd_update_env_var, NULL, "give it another value", "" },
    { "Account", "delete", "env-var", false, true, "NAME", 1, 1, no_options, cmd_delete_env_var,
      NULL, "forget a variable; instances that have it keep it", "" },
    { "Account", "show", "ssh-keys", false, true, "", 0, 0, no_options, cmd_show_ssh_keys, NULL,
      "your SSH keys", "" },
    { "Account", "create", "ssh-key", false, true, "[KEY]", 0, 1, yes_options, cmd_create_ssh_key,
      NULL, "add an SSH key that opens all instances",
      "KEY is a public key or the file of one. Without it, this machine's own is taken:\n"
      "~/.ssh/id_ed25519.pub, which is made where there is none.\n" },
    { "Account", "update", "ssh-key", false, true, "ID KEY", 2, 2, no_options, cmd_update_ssh_key,
      NULL, "put another SSH key in the place of one", "" },
    { "Account", "delete", "ssh-key", false, true, "ID", 1, 1, no_options, cmd_delete_ssh_key, NULL,
      "remove an SSH key from the account and all instances", "" },
    { "Account", "attach", "ssh", false, true, "INSTANCE KEY", 2, 2, no_options, cmd_attach_ssh,
      INSTANCES, "let one more SSH key open an instance",
      "KEY is a public key or the file of one.\n" },
    { "Account", "detach", "ssh", false, true, "INSTANCE KEY_ID", 2, 2, no_options, cmd_detach_ssh,
      INSTANCES, "take an SSH key away from an instance", "" },
    { "Program", "help", NULL, false, false, "[COMMAND]", 0, 2, no_options, cmd_help, NULL,
      "how to use a command", "" },
    { "Program", "version", NULL, false, false, "", 0, 0, no_options, cmd_version, NULL,
      "which version this is", "" },
    { "Program", "completion", NULL, false, false, "bash|zsh|fish", 1, 1, no_options,
      cmd_completion, NULL, "a script that completes commands and ids",
      "bash, zsh:  source <(berth completion bash)    in zsh after compinit\n"
      "fish:       berth completion fish | source\n"
      "Who installed a package of the command line has them in place already.\n" },
};

const size_t command_count = sizeof commands / sizeof commands[0];
