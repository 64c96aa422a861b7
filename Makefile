# Installs what is missing, then builds, runs, tests, measures or installs. See README.md.

PREFIX = /usr/local/httpd-rs

BUILD_PACKAGES = build-essential pkg-config libapr1-dev libaprutil1-dev
RUN_PACKAGES = $(BUILD_PACKAGES) apache2-bin 'media-types|mime-support'
TEST_PACKAGES = $(BUILD_PACKAGES) apache2 apache2-dev libclang-dev 'media-types|mime-support' \
	apache2-suexec-pristine apache2-utils cadaver curl iproute2 libaprutil1-dbd-sqlite3 libbrotli-dev \
	libldap-dev liblua5.3-dev libnghttp2-dev libssl-dev libxml2-dev litmus memcached \
	nghttp2-client nghttp2-server openssl php-cgi php-fpm python3 python3-dev python3-venv \
	redis-server slapd sqlite3 zlib1g-dev
BENCH_PACKAGES = $(RUN_PACKAGES) apache2 apache2-dev libapache2-mod-fcgid nginx-light \
	libnginx-mod-http-echo php-cgi php-fpm wrk nghttp2-client

# More arguments for bench.py, as --scenarios static-1k.
BENCH = --rounds 3

.PHONY: build run test compatibility bench soak install

build:
	scripts/install-packages.sh $(BUILD_PACKAGES)
	cargo build --release -p httpd-rs -p apxs-rs -p apachectl-rs

# The demo site, in the foreground. PORT: 8080 unless set.
run:
	scripts/install-packages.sh $(RUN_PACKAGES)
	cargo build --release -p httpd-rs -p apxs-rs -p apachectl-rs
	scripts/run-demo.sh

test:
	scripts/install-packages.sh $(TEST_PACKAGES)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
	cargo build --workspace
	rm -rf target/debug/what-tests-have-shown
	cargo nextest run --workspace
	cargo test --workspace --doc
	cargo run -q -p httpd-tests --bin compatibility -- --check

# docs/compatibility.md, from what the tests have shown.
compatibility:
	cargo nextest run -p httpd-tests
	cargo run -q -p httpd-tests --bin compatibility

bench:
	scripts/install-packages.sh $(BENCH_PACKAGES)
	cargo build --release -p httpd-rs -p apxs-rs -p apachectl-rs
	cd bench && python3 bench.py --servers apache,nginx,httpd-rs,limit \
		--httpd-rs ../target/release/httpd-rs $(BENCH)

# Twenty minutes for each MPM. SOAK: other arguments, as --minutes 2 --mpm event.
SOAK = --minutes 20 --mpm all

soak:
	scripts/install-packages.sh $(BENCH_PACKAGES) curl openssl
	cargo build --release -p httpd-rs
	cd bench && python3 soak.py $(SOAK)

# DESTDIR stages it elsewhere. PORT and MODULES go into a new conf/httpd.conf.
install: build
	DESTDIR='$(DESTDIR)' scripts/install.sh '$(PREFIX)'
