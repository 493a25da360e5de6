# Sluice: GNU make is the front door. `make help` lists the targets.
#
# Variants build into their own folders by calling this file again with other flags:
#   make SAN=address,undefined BUILD=build/asan …

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
BUILD   ?= build
SAN     ?=
PREFIX  ?= /usr/local
DESTDIR ?=

VERSION := $(shell cat VERSION)

WARN := -Wall -Wextra -Werror -Wswitch-enum -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wformat=2 -Wundef -Wvla -Wwrite-strings -Wno-unused-parameter
CPPFLAGS := -Isrc -isystem /usr/include/lua5.4 -D_GNU_SOURCE -DSLUICE_VERSION='"$(VERSION)"'
CSTD := -std=c17

ifneq ($(COVERAGE),)
OPT     := -O0 -g --coverage -fprofile-update=atomic
LDX     := --coverage
else ifeq ($(SAN),)
OPT     := -O2 -g -flto=auto -ffat-lto-objects -fno-plt -fstack-protector-strong -fstack-clash-protection -fcf-protection -D_FORTIFY_SOURCE=3
ifneq (,$(findstring clang,$(CC)))
OPT     := -O2 -g -flto=thin -fstack-protector-strong -fstack-clash-protection -fcf-protection -D_FORTIFY_SOURCE=2
LDX     := -fuse-ld=lld
endif
LDX     += -pie -Wl,-z,relro,-z,now,-z,noexecstack
# Tests are linked without it: nobody needs them fast, and each would be optimised whole again.
NO_LTO  := $(if $(findstring clang,$(CC)),,-fno-lto)
else
OPT     := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
LDX     := -fsanitize=$(SAN)
endif
CFLAGS  := $(CSTD) $(WARN) $(OPT) -fPIE -fno-common -fno-strict-aliasing $(EXTRA_CFLAGS)
LIBS    := -llua5.4 -lllhttp -lyyjson -lnghttp2 -lssl -lcrypto -lyaml -lsqlite3 -lxxhash -lpcre2-8 -lz -lpthread -lm

SRC  := $(sort $(wildcard src/*/*.c))
OBJ  := $(SRC:src/%.c=$(BUILD)/obj/%.o)
LIB_OBJ := $(filter-out $(BUILD)/obj/main/main.o,$(OBJ))

UNIT_SRC := $(sort $(wildcard tests/unit/*/*_test.c))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
TOOL_SRC := $(sort $(wildcard bench/*.c))
TOOL_BIN := $(TOOL_SRC:bench/%.c=$(BUILD)/bench/%)

# V=1 shows the commands.
ifeq ($(V),)
Q   := @
say  = @echo '  $(1)'
endif

.DEFAULT_GOAL := all
.PHONY: all build tools

all: build
build: $(BUILD)/sluice

$(BUILD)/sluice: $(OBJ)
	@mkdir -p $(@D)
	$(call say,LD   $@)
	$(Q)$(CC) $(CFLAGS) $(OBJ) $(LDX) $(LIBS) -o $@

$(BUILD)/obj/%.o: src/%.c VERSION Makefile
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# What it embeds.
$(BUILD)/obj/model/tokens_data.o: $(wildcard src/model/*.bin)

# The catalogue's text, packed.
$(BUILD)/gen/catalogue.gz: src/model/catalogue.txt
	@mkdir -p $(@D)
	$(Q)gzip -9nc $< >$@.new && mv $@.new $@
$(BUILD)/obj/model/catalogue_data.o: $(BUILD)/gen/catalogue.gz
$(BUILD)/obj/model/catalogue_data.o: CPPFLAGS += -DCATALOGUE_GZ='"$(BUILD)/gen/catalogue.gz"'

# Unit tests link everything but main(); -Itests for tests/lib.
$(BUILD)/unit/%: tests/unit/%.c $(LIB_OBJ) Makefile
	@mkdir -p $(@D)
	$(call say,TEST $<)
	$(Q)$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(NO_LTO) -MMD -MP $< $(LIB_OBJ) $(LDX) $(LIBS) -lcmocka -o $@

$(BUILD)/bench/%: bench/%.c Makefile
	@mkdir -p $(@D)
	$(call say,TOOL $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $< $(LDX) -lssl -lcrypto -lpthread -lm -o $@

# They measure the program's own code, so they are built from it and as it is.
OWN_TOOLS := $(BUILD)/bench/plan $(BUILD)/bench/tokens $(BUILD)/bench/translate $(BUILD)/bench/routing
# The simulator of bench/routing.
SIM_OBJ := $(patsubst bench/%.c,$(BUILD)/bench/%.o,$(sort $(wildcard bench/sim/*.c)))
$(SIM_OBJ): $(BUILD)/bench/%.o: bench/%.c VERSION Makefile
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) -Ibench $(CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/bench/routing: MORE := $(NO_LTO) -Ibench $(SIM_OBJ)
$(BUILD)/bench/routing: $(SIM_OBJ)
$(OWN_TOOLS): $(BUILD)/bench/%: bench/%.c $(LIB_OBJ) Makefile
	@mkdir -p $(@D)
	$(call say,TOOL $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $< $(MORE) $(LIB_OBJ) $(LDX) $(LIBS) -o $@

tools: $(filter-out $(OWN_TOOLS),$(TOOL_BIN))

-include $(OBJ:.o=.d) $(UNIT_BIN:%=%.d) $(TOOL_BIN:%=%.d) $(SIM_OBJ:.o=.d)

include scripts/targets.mk
