# SPDX-License-Identifier: GPL-2.0-only
#
# Lenscap: build, test, show, install. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

# Debian's kernels that are supported; `make module KERNEL=6.1` builds for one.
KERNELS := 6.1 6.12
KERNEL ?= $(KERNELS)

PREFIX ?= /usr
DESTDIR ?=
BUILD := $(CURDIR)/build

.PHONY: all
all: module userspace

.PHONY: help
help:
	@sed -n 's/^##  \?//p' $(firstword $(MAKEFILE_LIST))

##  make                the module for both kernels, and the programs
##  make setup          install what building needs (Debian packages)
##  make module         build/kmod/{6.1,6.12}/lenscap.ko; KERNEL=6.1 for one
##  make userspace      lenscapd, lenscapctl, lenscap-exporter: build/userspace
##  make install        into DESTDIR and PREFIX (/usr); KERNEL=6.1 for one kernel
##  make demo           a camera in a virtual machine tries to phone home
##  make check          lint, host-tests, check-6.1, check-6.12, and the sum
##  make lint           style, static analysis, sparse, no warnings
##  make host-tests     the core, the policy text and the command line, here
##  make check-6.1      the selftests in a machine with Debian's 6.1 kernel
##  make check-6.12     the same with 6.12
##  make check-uml      the same in a kernel with KASAN, lockdep, kmemleak
##  make fuzz           libFuzzer against the core
##  make bench          measure Lenscap and its peers: docs/performance.md
##  make flood          what the daemon takes in a flood: tests/bench/flood
##  make clean          remove build/

.PHONY: setup
setup:
	@scripts/setup build

module_targets := $(addprefix module-,$(KERNELS))
.PHONY: module $(module_targets)
module: $(addprefix module-,$(KERNEL))
$(module_targets): module-%:
	@scripts/module $*

.PHONY: userspace
userspace:
	@$(MAKE) -C userspace

.PHONY: host-tests fuzz
host-tests:
	@$(MAKE) -C tests/host check
fuzz:
	@$(MAKE) -C tests/fuzz

check_targets := $(addprefix check-,$(KERNELS) uml)
.PHONY: check lint $(check_targets)
check:
	@scripts/check
lint:
	@scripts/check lint
$(check_targets): check-%:
	@scripts/check build selftests-$*

.PHONY: demo
demo:
	@scripts/demo

.PHONY: bench
bench:
	@scripts/bench

.PHONY: flood
flood:
	@tests/bench/flood/run

.PHONY: install install-module install-monitoring
install: userspace install-module install-monitoring
	@$(MAKE) -C userspace install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/include/linux
	install -m 0644 kmod/uapi/linux/lenscap.h \
		$(DESTDIR)$(PREFIX)/include/linux
install-module: module
	@for kernel in $(KERNEL); do \
		DESTDIR=$(DESTDIR) scripts/module --install $$kernel; \
	done
install-monitoring:
	install -d $(DESTDIR)$(PREFIX)/share/lenscap
	install -m 0644 monitoring/lenscap.rules.yml monitoring/metrics.txt \
		monitoring/lenscap-dashboard.json \
		$(DESTDIR)$(PREFIX)/share/lenscap

.PHONY: clean
clean:
	rm -rf $(BUILD)
