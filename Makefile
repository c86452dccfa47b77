# PGXS build of ddd. The version is read from ddd.control and nowhere else.

EXTENSION   = ddd
EXTVERSION    := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" ddd.control)
# Order of the contexts in every generated script; the direction of use.
CONTEXTS   := core users counters blog popularity tags audit privileges migrations

MODULE_big  = ddd
OBJS        = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c))
PG_CPPFLAGS = -Isrc -Ibuild/src -DDDD_VERSION='"$(EXTVERSION)"'
SHLIB_LINK  = -lsodium -lcrypt -lutf8proc
PG_CONFIG  ?= pg_config

# ---- generated SQL (cat and sed, nothing else) ----------------------------
BUILD      := build/sql
SCHEMA     := $(wildcard $(CONTEXTS:%=sql/schema/%.sql))
API        := $(wildcard $(CONTEXTS:%=sql/api/%.sql))
RELEASED   := $(shell ls sql/releases 2>/dev/null | grep -v SHA256SUMS | sort -V)
PREVIOUS   := $(lastword $(filter-out $(EXTVERSION),$(RELEASED)))
IS_FROZEN  := $(filter $(EXTVERSION),$(RELEASED))
FROZEN     := $(filter-out %/api.sql,$(wildcard sql/releases/*/*.sql))
CURRENT    := ddd--$(EXTVERSION).sql $(if $(PREVIOUS),ddd--$(PREVIOUS)--$(EXTVERSION).sql ddd--$(EXTVERSION)--$(PREVIOUS).sql)
SQL_SCRIPTS    := $(addprefix $(BUILD)/,$(notdir $(FROZEN)) $(if $(IS_FROZEN),,$(CURRENT)))

DATA_built  = $(SQL_SCRIPTS)
# What each version looks like; made by "make facts".
DATA        = $(wildcard sql/facts/*.facts)
EXTRA_CLEAN = build

# Everything but the build itself works before PostgreSQL is installed.
NEEDS_PGXS := $(filter-out demo demo-stop test test-upgrade asan valgrind coverage fuzz bench reference facts revision clean,$(or $(MAKECMDGOALS),all))
PGXS       := $(if $(NEEDS_PGXS),$(shell $(PG_CONFIG) --pgxs))
ifneq ($(PGXS),)
include $(PGXS)
# The library carries the version, so the control file is a source of it.
$(OBJS): ddd.control $(wildcard src/*/*.h)
src/migrations/fingerprint.o src/migrations/fingerprint.bc: build/src/fingerprint_sql.h
endif

.DEFAULT_GOAL := all

# A statement of the library that is a file of its own, as a C string.
build/src/%_sql.h: src/migrations/%.sql
	@mkdir -p build/src
	{ echo '#define $(shell echo $* | tr a-z A-Z)_SQL \'; \
	  sed -e '/^--/d' -e 's/[\\"]/\\&/g' -e 's/.*/	"&\\n" \\/' $<; echo '	""'; } > $@

$(BUILD):
	@mkdir -p $@

# What a draft of "make revision" leaves to be decided stops the build.
decided = @! grep -Hn '^ *-- REVISION:' $(1) || { echo "decide what is marked, and remove the marks" >&2; exit 1; }

# The text of a version's functions: what later down scripts bring back.
$(BUILD)/api.sql: $(API) $(SCHEMA) $(wildcard sql/script/tables_*.sql) | $(BUILD)
	cat $(API) sql/script/tables_open.sql $(SCHEMA) sql/script/tables_close.sql > $@

ifeq ($(IS_FROZEN),)
# A fresh install must not adopt foreign objects: CREATE, never CREATE OR REPLACE.
$(BUILD)/ddd--$(EXTVERSION).sql: sql/script/head.sql sql/script/schema.sql $(BUILD)/api.sql sql/script/install.sql sql/script/detach.sql | $(BUILD)
	{ cat sql/script/head.sql sql/script/schema.sql; sed 's/^CREATE OR REPLACE /CREATE /' $(BUILD)/api.sql; \
	  cat sql/script/install.sql sql/script/detach.sql; } > $@

$(BUILD)/ddd--$(PREVIOUS)--$(EXTVERSION).sql: sql/script/head.sql sql/migrations/$(PREVIOUS)--$(EXTVERSION).sql sql/script/update.sed $(BUILD)/api.sql sql/script/migrated.sql sql/script/detach.sql | $(BUILD)
	$(call decided,sql/migrations/$(PREVIOUS)--$(EXTVERSION).sql)
	{ cat sql/script/head.sql; sed -f sql/script/update.sed sql/migrations/$(PREVIOUS)--$(EXTVERSION).sql $(BUILD)/api.sql; \
	  cat sql/script/migrated.sql sql/script/detach.sql; } > $@

$(BUILD)/ddd--$(EXTVERSION)--$(PREVIOUS).sql: sql/script/head.sql sql/migrations/$(EXTVERSION)--$(PREVIOUS).sql sql/script/update.sed sql/releases/$(PREVIOUS)/api.sql sql/script/migrated.sql sql/script/detach.sql | $(BUILD)
	$(call decided,sql/migrations/$(EXTVERSION)--$(PREVIOUS).sql)
	{ cat sql/script/head.sql; sed -f sql/script/update.sed sql/migrations/$(EXTVERSION)--$(PREVIOUS).sql sql/releases/$(PREVIOUS)/api.sql; \
	  cat sql/script/migrated.sql sql/script/detach.sql; } > $@
endif

define frozen_rule
$(BUILD)/$(notdir $(1)): $(1) | $(BUILD)
	cp $(1) $$@
endef
$(foreach f,$(FROZEN),$(eval $(call frozen_rule,$(f))))

# ---- the words a maintainer types -----------------------------------------
.PHONY: test test-upgrade soak asan valgrind coverage fuzz bench demo demo-stop reference facts revision deb release sql

sql: $(SQL_SCRIPTS)

test:
	@test/run

# Every pair of versions, up and down; faults in migrations; dumps; pg_upgrade. Part of "test".
test-upgrade:
	@test/run upgrade

# The random mix of writers, readers and folds, for MINUTES.
soak:
	@MINUTES=$(MINUTES) test/run soak

# Suites with the library's memory watched, or with what they execute counted.
asan valgrind coverage:
	@test/sanity/$@

# libFuzzer on the parsers of tag queries, hashes and tokens, for MINUTES in all.
fuzz:
	@MINUTES=$(MINUTES) test/sanity/fuzz

demo:
	@examples/package-index/demo start

# SCALE is one or more of S M L XL index.
bench:
	@bench/run $(SCALE)

demo-stop:
	@examples/package-index/demo stop

# docs/reference.md, from the comments.
reference:
	@.ci/reference

# sql/facts, from a fresh installation of each version.
facts:
	@.ci/facts

# Drafts the migrations to this version and back, m="what it is about".
revision:
	@.ci/revision '$(subst ','\'',$(m))'

# A Debian package of what "make install" installs.
DEB_ARCH     = $(shell dpkg --print-architecture)
# its name has the number of the library's interface, which differs between releases
DEB_UTF8PROC = $(shell dpkg-query -W -f '$${Depends}' libutf8proc-dev | grep -o 'libutf8proc[0-9]*')
deb: all
	rm -rf build/deb
	$(MAKE) install DESTDIR=$(CURDIR)/build/deb
	mkdir -p build/deb/DEBIAN
	printf '%s\n' 'Package: postgresql-$(MAJORVERSION)-ddd' 'Version: $(EXTVERSION)' \
	  'Architecture: $(DEB_ARCH)' 'Section: database' 'Priority: optional' \
	  'Maintainer: ddd <ddd@example.org>' \
	  'Depends: postgresql-$(MAJORVERSION), libsodium23, libcrypt1, $(DEB_UTF8PROC)' \
	  'Description: users, posts, comments and tags for PostgreSQL, with their rules' > build/deb/DEBIAN/control
	dpkg-deb --root-owner-group --build build/deb build/postgresql-$(MAJORVERSION)-ddd_$(EXTVERSION)_$(DEB_ARCH).deb

# Freezes this version's scripts; after it ddd.control opens the next version.
release: $(BUILD)/api.sql $(SQL_SCRIPTS)
	@test -z "$(IS_FROZEN)" || { echo "version $(EXTVERSION) is released already" >&2; exit 1; }
	mkdir -p sql/releases/$(EXTVERSION)
	cp $(BUILD)/api.sql $(addprefix $(BUILD)/,$(CURRENT)) sql/releases/$(EXTVERSION)/
	cd sql/releases && sha256sum $(EXTVERSION)/*.sql >> SHA256SUMS

ifeq ($(PGXS),)
clean:
	rm -rf build ddd.so $(OBJS) $(OBJS:.o=.bc)
endif
