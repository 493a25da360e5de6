# Targets beyond building: tests, checks, installation. Included by the Makefile, whose variables it uses.

# As many compilers as cores, unless the caller has chosen.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
SUBMAKE  = $(MAKE) --no-print-directory $(PARALLEL)
.PHONY: run test unit e2e clients perf asan ubsan tsan sanitized coverage fuzz fuzz-run bench bench-tokens bench-translate bench-plan bench-routing check-routing soak failover check-rooms format lint docs docs-check \
        deps test-deps dev-deps install uninstall clean help

# --- the two commands: on a fresh Debian 12 or 13 these two are enough

# The gateway with a provider of its own; ARGS="--listen 127.0.0.1:9000" goes to it.
run:
	@scripts/deps.sh run
	@$(SUBMAKE) build
	@$(BUILD)/sluice demo $(ARGS)

# All tests; TEST_ONLY="unit e2e" chooses suites (scripts/run-tests names them).
test:
	@scripts/deps.sh test
	@MAKE='$(MAKE)' JOBS='$(PARALLEL)' BUILD='$(BUILD)' TEST_ONLY='$(TEST_ONLY)' scripts/run-tests

# --- tests

unit: $(UNIT_BIN)
	@scripts/run-unit $(UNIT_BIN)

e2e: build tools
	@SLUICE=$(BUILD)/sluice tests/e2e/run $(ARGS)

# The official SDKs; skipped where npm's registry cannot be reached.
clients: build
	@SLUICE=$(BUILD)/sluice tests/clients/run $(ARGS)

# Instructions per request against tests/perf/limits.json.
perf: build tools $(BUILD)/bench/translate $(BUILD)/bench/plan
	tests/perf/instructions

# The same tests with the compiler's checks, in folders of their own. Deadlines of the end-to-end tests stretch by SLOW.
asan:
	@$(SUBMAKE) SAN=address,undefined BUILD=$(BUILD)/asan SLOW=4 sanitized
ubsan:
	@$(SUBMAKE) SAN=undefined BUILD=$(BUILD)/ubsan SLOW=2 sanitized
tsan:
	@$(SUBMAKE) SAN=thread BUILD=$(BUILD)/tsan SLOW=8 sanitized
sanitized:
	@TEST_ONLY='build unit e2e' E2E_SLOW=$(SLOW) MAKE='$(MAKE)' JOBS='$(PARALLEL)' BUILD='$(BUILD)' scripts/run-tests

# Which lines the unit and end-to-end tests run, by room; build/coverage/lines.txt tells each file.
coverage:
	@$(SUBMAKE) COVERAGE=1 BUILD=$(BUILD)/coverage build
	@$(SUBMAKE) COVERAGE=1 BUILD=$(BUILD)/coverage unit || echo 'coverage: some unit tests failed (they are slow here)'
	@SLUICE=$(BUILD)/coverage/sluice E2E_SLOW=2 tests/e2e/run || echo 'coverage: some end-to-end tests failed'
	@scripts/coverage $(BUILD)/coverage

# Each fuzzer runs FUZZ_SECONDS with clang, libFuzzer and the sanitizers; what it learns stays in build/fuzz/corpus.
FUZZ_SECONDS ?= 60
fuzz:
	@$(SUBMAKE) CC=clang SAN=fuzzer-no-link,address,undefined BUILD=$(BUILD)/fuzz fuzz-run
fuzz-run: $(FUZZ_BIN)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/run-fuzz $(BUILD)/corpus $(FUZZ_BIN)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(LIB_OBJ) Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -MMD -MP $< $(LIB_OBJ) $(LDX) -fsanitize=fuzzer $(LIBS) -o $@
-include $(FUZZ_BIN:%=%.d)

# --- checks of the text

check-rooms:
	@scripts/check-rooms

# Only what must hold everywhere is checked; `make format FILES="src/room/noun.c"` lays files out by .clang-format.
format:
ifeq ($(FILES),)
	@scripts/check-layout
else
	clang-format -i $(FILES)
endif

# The rules are chosen: each finds mistakes, none is about taste.
lint:
	@scripts/lint

# --- pages that the program writes

docs: build
	$(BUILD)/sluice manual > docs/configuration.md
	$(BUILD)/sluice providers --markdown > docs/providers.md
	@$(MAKE) --no-print-directory $(BUILD)/unit/dialect/coverage_test
	$(BUILD)/unit/dialect/coverage_test --write
docs-check: build
	@$(BUILD)/sluice manual | cmp - docs/configuration.md || { echo 'docs/configuration.md is old: make docs' >&2; exit 1; }
	@$(BUILD)/sluice providers --markdown | cmp - docs/providers.md || { echo 'docs/providers.md is old: make docs' >&2; exit 1; }

# --- what is missing on this machine

deps:
	@scripts/deps.sh
test-deps:
	@scripts/deps.sh test
dev-deps:
	@scripts/deps.sh dev

# --- figures, and what shows only under load

bench: build tools
	bench/run

# How fast texts are counted in tokens: this repository's own English and code.
bench-tokens: $(BUILD)/bench/tokens
	$(BUILD)/bench/tokens English docs/*.md README.md LICENSE -- code src/*/*.c tests/e2e/*.py

# Requests and events from each dialect to each other.
bench-translate: $(BUILD)/bench/translate
	$(BUILD)/bench/translate

# A plan over 50 deployments, by each strategy.
bench-plan: $(BUILD)/bench/plan
	$(BUILD)/bench/plan

# Strategies in worlds that go wrong: the program's own routing against simulated providers; ARGS="--scenario tail".
bench-routing: $(BUILD)/bench/routing
	$(BUILD)/bench/routing $(ARGS)

# What routing promises, in those worlds.
check-routing: $(BUILD)/bench/routing
	@$(BUILD)/bench/routing --check

soak: build tools
	tests/soak/run

# One deployment of three dies, in each way of dying; ARGS="--requests 2000 hangs".
failover: build tools
	tests/soak/failover $(ARGS)

# --- installation

MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system

install: build
	install -D -m 755 $(BUILD)/sluice $(DESTDIR)$(PREFIX)/bin/sluice
	install -D -m 644 packaging/sluice.1 $(DESTDIR)$(MANDIR)/man1/sluice.1
	install -D -m 644 packaging/sluice.bash $(DESTDIR)$(COMPLETIONDIR)/sluice
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|@BINDIR@|$(PREFIX)/bin|' packaging/sluice.service >$(DESTDIR)$(UNITDIR)/sluice.service
	chmod 644 $(DESTDIR)$(UNITDIR)/sluice.service

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/sluice $(DESTDIR)$(MANDIR)/man1/sluice.1 \
	      $(DESTDIR)$(COMPLETIONDIR)/sluice $(DESTDIR)$(UNITDIR)/sluice.service

clean:
	rm -rf $(BUILD)

help:
	@echo 'make               build the program: $(BUILD)/sluice'
	@echo 'make run           install what is missing, build, and start the demo: a gateway with a provider of its own'
	@echo 'make test          install what is missing, build, and run all tests; TEST_ONLY="unit e2e" chooses'
	@echo 'make deps          install what building needs (Debian 12 or 13); test-deps: and testing; dev-deps: and all else'
	@echo 'make unit          unit tests; e2e: end-to-end tests; clients: the official SDKs (npm)'
	@echo 'make asan          both with AddressSanitizer and UndefinedBehaviorSanitizer; also ubsan, tsan'
	@echo 'make coverage      which lines they run'
	@echo 'make fuzz          each fuzzer for FUZZ_SECONDS (60), with clang'
	@echo 'make check-rooms   every #include against src/ROOMS, and functions that may not be used'
	@echo 'make format        check the layout of all C files; FILES="..." has clang-format lay those out'
	@echo 'make lint          static analysis of C files and shell scripts'
	@echo 'make docs          write docs/configuration.md from the settings; docs-check: is it up to date?'
	@echo 'make bench         what a request costs beside nginx, HAProxy and a gateway of npm; perf: instructions a request'
	@echo 'make bench-tokens  how fast texts are counted in tokens'
	@echo 'make bench-translate what translation between dialects costs; bench-plan: what a plan costs'
	@echo 'make bench-routing strategies against simulated providers that go wrong'
	@echo 'make soak          kill -9, 10,000 streams, reloads, a million requests, memory; some minutes'
	@echo 'make failover      one deployment of three dies under load: errors, calls, p99, time until it is back'
	@echo 'make install       to $$(DESTDIR)$$(PREFIX), by default /usr/local; uninstall removes it'
	@echo 'make clean         remove $(BUILD)/'
	@echo 'Variables: CC=gcc|clang  BUILD=folder  SAN=address,undefined  V=1  PREFIX=  DESTDIR=  ARGS='
