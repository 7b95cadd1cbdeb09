# The two commands of README's first screen, and what they are made of.
# Everything is built once, in release: kernels are useless in debug.

BUILD := swift build -c release
HEADROOM := .build/release/headroom

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
INSTALL := $(SUDO) apt-get update -q && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -q --no-install-recommends

.PHONY: sweep test lint witness results build setup clean

sweep: build
	$(HEADROOM) sweep suites/quick.yaml --replace
	$(HEADROOM) report reports/quick.jsonl --markdown reports/quick.md --replace > /dev/null
	@echo "wrote reports/quick.md"

# Two processes: kernels' tests bind threads to processors, which programs started beside them
# would inherit.
test: setup
	$(BUILD) --build-tests --explicit-target-dependency-import-check error
	swift test -c release --skip-build --skip HeadroomTests
	swift test -c release --skip-build --filter HeadroomTests

# Formatting; imports that the package does not declare; warnings, which are errors.
lint: setup
	swift format lint --strict -r Package.swift Sources Tests
	$(BUILD) --build-tests --explicit-target-dependency-import-check error

# Other implementations, and what the pages show that takes minutes: half an hour, and more the first time.
witness: build
	python3 Tests/Witness/witness.py

# The pages that are made from stored runs and trials.
results: build
	$(HEADROOM) results $(sort $(wildcard reports/baselines/*.jsonl)) --markdown reports/results.md --replace > /dev/null
	python3 Tests/Benchmarks/trials.py summary > reports/trials.md

build: setup
	$(BUILD)

# Debian's packages that are missing, each with its reason.
setup:
	@command -v swift > /dev/null || { echo "error: there is no Swift toolchain; install Swift 6.2 or newer from https://www.swift.org/install" >&2; exit 1; }
	@printf '#include <gperftools/malloc_extension_c.h>\n#include <gperftools/profiler.h>\n' | clang -E - > /dev/null 2>&1 || { \
	  echo "installing libgoogle-perftools-dev: the allocator (tcmalloc), and the CPU and heap profilers"; $(INSTALL) libgoogle-perftools-dev; }
	@printf '#include <elfutils/libdwfl.h>\n' | clang -E - > /dev/null 2>&1 || { \
	  echo "installing libdw-dev: names and source lines of a program's functions"; $(INSTALL) libdw-dev; }
	@printf '#include <sqlite3.h>\n' | clang -E - > /dev/null 2>&1 || { \
	  echo "installing libsqlite3-dev: the history of results"; $(INSTALL) libsqlite3-dev; }

clean:
	rm -rf .build
