# Installs what is missing, then builds or tests. See README.md.

BUILD_PACKAGES = build-essential libapr1-dev libaprutil1-dev
TEST_PACKAGES = $(BUILD_PACKAGES) apache2-dev libclang-dev

.PHONY: build test

build:
	scripts/install-packages.sh $(BUILD_PACKAGES)
	cargo build --release -p httpd-rs

test:
	scripts/install-packages.sh $(TEST_PACKAGES)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
	cargo nextest run --workspace
	cargo test --workspace --doc
