#!/usr/bin/env bash
# Builds the tests of crates/kernels for aarch64, and runs them in an emulator: on a processor with BFDOT,
# and the products also on one without.
#
# rustup's toolchains have no standard library of aarch64 unless somebody has added it. Debian has one, with a
# compiler of its own that is new enough (rustc-web); both are unpacked into a folder that is removed at the
# end. What can't be had is said, and ends the script as a success.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "skipped: $*"
  exit 0
}

[ "$(uname -m)" = x86_64 ] || skip "this is no x86-64; on aarch64, cargo test --package kernels does the same"
command -v apt-get dpkg > /dev/null || skip "the compiler for aarch64 is unpacked from packages of Debian, which this system doesn't have"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/packages"
# Lists of both architectures, beside those of the system, which stay as they are.
apt=(-qq -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache"
  -o APT::Sandbox::User=root)
needed() { # what the package depends on, of a name that begins so
  apt-cache "${apt[@]}" depends "$1" | awk -v begin="$2" '$1 == "Depends:" && index($2, begin) == 1 { print $2; exit }'
}
packages() {
  apt-get "${apt[@]}" update &&
    runtime=$(needed libstd-rust-web-dev:amd64 libstd-rust-web-) && [ -n "$runtime" ] &&
    llvm=$(needed "$runtime:amd64" libllvm) && [ -n "$llvm" ] &&
    (cd "$folder/packages" && apt-get "${apt[@]}" download "rustc-web:amd64" "$runtime:amd64" libstd-rust-web-dev:{amd64,arm64}) &&
    apt-get update -qq &&
    apt-get install --yes -qq --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user "$llvm"
}
if ! packages > "$folder/log" 2>&1; then
  tail -n 3 "$folder/log"
  skip "Debian's compiler and emulator of aarch64 could not be installed, for the reason above"
fi
for package in "$folder"/packages/*.deb; do
  dpkg --extract "$package" "$folder/toolchain"
done

cat > "$folder/rustc" << END
#!/bin/sh
LD_LIBRARY_PATH=$folder/toolchain/usr/lib/x86_64-linux-gnu exec $folder/toolchain/usr/bin/rustc "\$@"
END
chmod +x "$folder/rustc"
found=$("$folder/rustc" --version | cut -d ' ' -f 2)
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
[ "$(printf '%s\n' "$wanted" "$found" | sort --version-sort | head -n 1)" = "$wanted" ] ||
  skip "Debian's compiler for aarch64 is $found, and $wanted is wanted"

export RUSTC="$folder/rustc" CARGO_TARGET_DIR="$folder/target" CARGO_INCREMENTAL=0
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
tests() { # the emulated processor, and the arguments of the tests
  local processor=$1
  shift
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -cpu $processor -L /usr/aarch64-linux-gnu" \
    cargo test --quiet --locked --package kernels --target aarch64-unknown-linux-gnu --test it -- "$@"
}
tests max
tests cortex-a72 product instructions
