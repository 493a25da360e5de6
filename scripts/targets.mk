# Targets beyond building: tests, checks, installation. Included by the Makefile, whose variables it uses.

# --- tests

unit: $(UNIT_BIN)
	@scripts/run-unit $(UNIT_BIN)

# The same tests with the compiler's checks; each variant has its own folder.
asan:
	@$(MAKE) --no-print-directory SAN=address,undefined BUILD=$(BUILD)/asan unit
ubsan:
	@$(MAKE) --no-print-directory SAN=undefined BUILD=$(BUILD)/ubsan unit
tsan:
	@$(MAKE) --no-print-directory SAN=thread BUILD=$(BUILD)/tsan unit

# Each fuzzer runs FUZZ_SECONDS with clang, libFuzzer and the sanitizers; what it learns stays in build/fuzz/corpus.
FUZZ_SECONDS ?= 60
fuzz:
	@$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined BUILD=$(BUILD)/fuzz fuzz-run
.PHONY: fuzz-run
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
docs-check: build
	@$(BUILD)/sluice manual | cmp - docs/configuration.md || { echo 'docs/configuration.md is old: make docs' >&2; exit 1; }

# --- what is missing on this machine

deps:
	@scripts/deps.sh
test-deps:
	@scripts/deps.sh test

# --- figures, and what shows only under load

bench: build tools
	bench/run

# Instructions per request against tests/perf/limits.json.
perf: build tools
	tests/perf/instructions

soak: build tools
	tests/soak/run

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
	@echo 'make deps          install what building needs (Debian 12 or 13); test-deps: what testing needs'
	@echo 'make unit          unit tests; asan, ubsan, tsan: the same with the compiler'"'"'s checks'
	@echo 'make fuzz          each fuzzer for FUZZ_SECONDS (60), with clang'
	@echo 'make check-rooms   every #include against src/ROOMS, and functions that may not be used'
	@echo 'make format        check the layout of all C files; FILES="..." has clang-format lay those out'
	@echo 'make lint          static analysis of C files and shell scripts'
	@echo 'make docs          write docs/configuration.md from the settings; docs-check: is it up to date?'
	@echo 'make bench         what a request costs beside nginx, HAProxy and Portkey; perf: instructions against their limits'
	@echo 'make soak          kill -9, 10,000 streams, reloads, a million requests, memory; some minutes'
	@echo 'make install       to $$(DESTDIR)$$(PREFIX), by default /usr/local; uninstall removes it'
	@echo 'make clean         remove $(BUILD)/'
	@echo 'Variables: CC=gcc|clang  BUILD=folder  SAN=address,undefined  PREFIX=  DESTDIR='
