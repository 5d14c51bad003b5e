# SPDX-License-Identifier: Apache-2.0
# make run      set up this machine, and rent it from itself: a market, a host, a container, a shell
# make test     set up what the tests need, build with sanitizers, run every suite that fits CI
# make build    build/bin/{berthd,berth-host,berth}
# make help     the rest

BUILD ?= build
JOBS ?= $(shell nproc)
LAUNCHER = $(if $(shell command -v ccache),-DCMAKE_C_COMPILER_LAUNCHER=ccache)
CONFIGURE = cmake -G Ninja $(LAUNCHER)

run:
	@tools/run

test:
	@tools/test

# The suites as programs are built to be used, or those whose names match SUITES: an allocator that gives addresses out again, which
# that of the sanitizers does not, and optimised code. Not for the console and the packages, which test that already.
test-release: build
	@tools/packages test
	@ninja -C $(BUILD) -j$(JOBS) >$(BUILD)/build.log || { tail -40 $(BUILD)/build.log; exit 1; }
	@ctest --test-dir $(BUILD) -j$(JOBS) --output-on-failure --no-tests=error -R '$(SUITES)' -E '^(console|packages)/'

build: deps
	@$(CONFIGURE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=RelWithDebInfo >$(BUILD)/configure.log || \
		{ cat $(BUILD)/configure.log; exit 1; }
	@ninja -C $(BUILD) -j$(JOBS) berthd berth-host berth berth-guest

deps:
	@mkdir -p $(BUILD)
	@tools/packages build

# Every benchmark, or one: make bench-ledger. Each figure is a line that begins with RESULT.
bench:
	@tools/bench

bench-%:
	@tools/bench $*

# The market simulator: make sim SEEDS=200 FROM=1
SEEDS ?= 20
FROM ?= 1
sim:
	@tools/packages test
	@$(CONFIGURE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
	@ninja -C $(BUILD) sim
	@$(BUILD)/bin/sim --seeds $(SEEDS) --from $(FROM) --jobs $(JOBS)

# Meters, counters and credit beside Python's integers: make oracle TICKS=100000000 ZEROS=1000000
TICKS ?= 100000000
ZEROS ?= 1000000
oracle: deps
	@$(CONFIGURE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=RelWithDebInfo >$(BUILD)/configure.log
	@ninja -C $(BUILD) oracle >$(BUILD)/build.log || { tail -40 $(BUILD)/build.log; exit 1; }
	@python3 -B test/oracle/oracle.py --oracle $(BUILD)/bin/oracle --ticks $(TICKS) --zeros $(ZEROS)

# Two servers on one PostgreSQL, and sixteen clients who want the same machines: make storm OPS=100000
OPS ?= 20000
storm:
	@tools/packages test
	@$(CONFIGURE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=RelWithDebInfo >$(BUILD)/configure.log
	@ninja -C $(BUILD) test_flow_storm_test >$(BUILD)/build.log || { tail -40 $(BUILD)/build.log; exit 1; }
	@STORM_OPS=$(OPS) $(BUILD)/bin/test_flow_storm_test

# Payment providers' own libraries and emulators by others, installed by npm into build/peers: what we say and sign beside theirs.
# berthd itself buys credit at emulate, and is charged, declined, refunded and disputed at stripe-stateful-mock. With PAYPAL_SPEC=FILE, PayPal's description of Payouts, Prism holds us to it.
payments-peers: build
	python3 -B test/peers/peers.py build/peers

# Calls to payment providers go wrong at each STEP-th byte of the request and of the answer, and it says which faults it did not come to: STEP=1. Runs wait for most of their time, so
# FAULT_JOBS of them go on at once: five minutes for every byte on two cores that do nothing else.
FAULT_JOBS ?= 16
payments-faults: build
	cmake --build build --target payments_rig
	python3 -B test/api/payments_faults.py build/bin/payments_rig every $(or $(STEP),1) $(FAULT_JOBS)

# Stripe's events by the thousand, repeated, shuffled, one in eleven forged: make events EVENTS=100000
EVENTS ?= 100000
events: build
	@ninja -C $(BUILD) api_sign >/dev/null
	@BERTH_EVENTS=$(EVENTS) BERTH_BIN=$(abspath $(BUILD))/bin python3 -B test/api/payments_test.py \
		Payments.test_events_in_any_order_any_number_of_times_and_forged

# One fuzz target for a while: make fuzz TARGET=base_json SECONDS=60
SECONDS ?= 60
fuzz:
	@tools/fuzz "$(TARGET)" "$(SECONDS)"

# kill -9 of berthd under load, or of every part at random moments of a rental; power cuts and failing
# disks, TIMES as many as in the tests; every write, sync and allocation of the money flows failing once
# (of CHUNKS, that from FROM on).
#   make torture KILLS=1000    make torture-journey KILLS=20    make torture-disk TIMES=50
#   make torture-faults CHUNKS=1
KILLS ?= 20
TIMES ?= 10
torture:
	@tools/torture server $(KILLS) $(FROM)
torture-journey:
	@tools/torture journey $(KILLS) $(FROM)
torture-disk:
	@tools/torture disk $(TIMES) $(FROM)
# kill -9 of who does the weekly run, at each of its statements, for so many hosts: make torture-bills HOSTS=40
HOSTS ?= 40
torture-bills:
	@tools/torture bills $(HOSTS)
CHUNKS ?= 1
torture-faults:
	@tools/torture faults $(CHUNKS) $(FROM)

# Branches of the money files that no test takes; and defects planted in them that no test sees.
coverage:
	@tools/coverage $(FILES)
mutate:
	@python3 tools/mutate.py $(FILES)
# The same for who runs when: every defect of tools/mutants.py.
mutate-runs:
	@python3 tools/mutate.py --rules $(FILES)

# The suites that have threads, or those whose names match SUITES, under ThreadSanitizer.
SUITES ?= .
tsan:
	@tools/tsan '$(SUITES)'

# The programs, as the suites that run them do, or those whose names match SUITES.
tsan-programs:
	@tools/tsan programs '$(SUITES)'

# A sample of every layer, or those whose names match SUITES, under valgrind.
valgrind: build
	@tools/valgrind '$(filter-out .,$(SUITES))'

format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

tidy:
	@python3 tools/tidy.py
	@clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')

# Debian packages, into build/deb; and what they do in a fresh Debian 12 (SUITE=noble: Ubuntu 24.04) with systemd as its
# first process (root, mmdebstrap; a few minutes).
SUITE ?= bookworm
deb: build
	@tools/deb build/bin build/deb
deb-test: deb
	@tools/packages deb
	@ninja -C $(BUILD) -j$(JOBS) berth-host-next
	@python3 -B test/packages/deb_test.py --deb build/deb --suite $(SUITE)

# An agent that others wrote, against docs/agent-protocol.md: make conformance AGENT='my-agent --server {url} --token {token}'
conformance:
	@python3 -B test/conformance/agent_test.py --agent '$(AGENT)'

# Part of a release: a small market's books as it writes them, for every later one to bring up to date (test/upgrade).
released: build
	@ninja -C $(BUILD) -j$(JOBS) sim-host
	@python3 -B test/upgrade/snapshot.py --bin $(BUILD)/bin --version $(VERSION)

# Hours of an ordinary market: how memory and descriptors go.
MINUTES ?= 360
soak: build
	@tools/packages test
	@ninja -C $(BUILD) -j$(JOBS) sim-host
	@python3 -B test/cluster/soak.py --bin $(BUILD)/bin --servers $(SERVERS) --minutes $(MINUTES)

# Several berthd on one PostgreSQL: killed, halted, cut off, and without their database, under load; and a rolling restart
# behind nginx, in which every request is answered.
CYCLES ?= 20
SERVERS ?= 2
torture-cluster: build
	@tools/packages test
	@ninja -C $(BUILD) -j$(JOBS) sim-host
	@python3 -B test/cluster/torture.py --bin $(BUILD)/bin --servers $(SERVERS) --cycles $(CYCLES) --first $(FROM)
rolling-restart: build
	@tools/packages test
	@ninja -C $(BUILD) -j$(JOBS) sim-host
	@python3 -B test/cluster/rolling_test.py --bin $(BUILD)/bin --servers $(SERVERS)

clean:
	rm -rf build

help:
	@sed -n '2,6p' Makefile | sed 's/^# //'
	@echo "make bench    make bench-NAME    make sim SEEDS=n FROM=s    make fuzz TARGET=t SECONDS=n"
	@echo "make torture KILLS=n    make torture-journey KILLS=n    make torture-disk TIMES=n    make torture-faults    make torture-bills HOSTS=n"
	@echo "make oracle    make storm OPS=n"
	@echo "make console    make console-test    make looks KEEP=--keep    make deb    make deb-test"
	@echo "make torture-cluster CYCLES=n SERVERS=n    make rolling-restart SERVERS=n    make soak MINUTES=n"
	@echo "make coverage    make mutate    make mutate-runs    make tidy    make test-release    make tsan    make tsan-programs    make valgrind    make format    make clean"

# Every way out of an instance, with all that clears, cuts and floods.
contain: build
	@python3 -B test/e2e/contain_test.py --bin build/bin

# A host behind NAT whose uplink is cut for a minute: longer than the lease.
nat-cut: build
	@python3 -B test/e2e/nat_test.py --bin build/bin --cut 60

# A billion bytes each way by wget, by scp and through the relay: what is counted and what it costs.
traffic: build
	@tools/packages traffic
	@python3 -B test/e2e/traffic_test.py --bin $(BUILD)/bin

# OpenSSH's own clients into three kinds of image, through a relay and a host's tunnel: the 35 rows of
# test/ssh/matrix.py. Without the relay they are in make test.
ssh-relay: build
	@ninja -C $(BUILD) -j$(JOBS) relay-load ssh_gateway ssh_probe
	@for image in busybox debian single; do echo "==> $$image"; \
		python3 -B test/ssh/ssh_test.py --bin $(BUILD)/bin --image $$image --relay || exit 1; done

# A notebook in a rented instance, and a cell that runs in it: the first time it makes an image of Debian's own Jupyter.
jupyter: build
	@python3 -B test/e2e/jupyter_test.py --bin build/bin

# The same in Chromium, on a host behind NAT: at the relay's https:// address, without a warning.
browser: build
	@tools/packages browser
	@python3 -B test/e2e/browser_test.py --bin $(BUILD)/bin

# The web console, into build/web: berthd serves what it finds there when it starts.
console:
	@tools/console

# How its pages look, beside how they looked: a visual diff of half a minute, which needs no server. Where they are meant to look
# otherwise: make looks KEEP=--keep, and land what that changes in test/console/looks with the change.
looks: console
	@tools/packages browser
	@python3 -B test/console/looks_test.py --web $(BUILD)/web $(KEEP)

# People's way through it in Chromium: on a market with hosts that pretend, on one that takes cards, and to a shell on a real host;
# its screenshots go to docs/console. How fast it is: make bench-console.
console-test: build console looks
	@tools/packages browser
	@ninja -C $(BUILD) -j$(JOBS) sim-host api_sign later
	@python3 -B test/console/console_test.py --bin $(BUILD)/bin --web $(BUILD)/web --shots docs/console
	@python3 -B test/console/cards_test.py --bin $(BUILD)/bin --web $(BUILD)/web --shots docs/console
	@python3 -B test/console/payday_test.py --bin $(BUILD)/bin --web $(BUILD)/web --shots docs/console
	@python3 -B test/console/engine_test.py --bin $(BUILD)/bin --web $(BUILD)/web --shots docs/console || [ $$? = 77 ]

.PHONY: test-release tsan tsan-programs valgrind payments-peers payments-faults events conformance soak torture-cluster rolling-restart deb deb-test console console-test looks run jupyter browser traffic contain nat-cut ssh-relay test build deps bench sim oracle storm fuzz torture torture-journey torture-disk torture-faults torture-bills coverage mutate format tidy clean help
