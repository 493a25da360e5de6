#!/bin/sh
# deps.sh [run|test|dev]: installs what is missing to build (`run`: and to try the demo; `test`: and to test; `dev`: and
# for fuzzing, benches and clang) on Debian 12 or 13, as root or by sudo, without questions. When nothing is missing it asks dpkg only and needs no network.
#
# Debian 12 has neither llhttp nor a recent yyjson: both come from the suite trixie, which is added with priority 100, so
# that nothing else is ever taken from it. They need no newer libc and upgrade nothing that is installed: this is
# simulated first, and refused if it is not so.
set -eu

build="gcc make libc6-dev libllhttp-dev libyyjson-dev libnghttp2-dev libssl-dev libyaml-dev libsqlite3-dev libxxhash-dev libpcre2-dev zlib1g-dev liblua5.4-dev"
tests="libcmocka-dev python3 curl openssl nghttp2-client valgrind cppcheck shellcheck"
development="clang libclang-rt-dev clang-format lld nginx haproxy"
from_trixie="libllhttp-dev libyyjson-dev"

say() { echo "deps: $*" >&2; }
die() { say "$*"; exit 1; }

missing() {
	for package; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) echo "$package" ;;
		esac
	done
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@" || die "sudo wants a password or refuses: run this as root"
	else
		die "neither root nor sudo: as root, install:" "$lacking"
	fi
}

# The mirror that this machine already takes its release from.
mirror() {
	{
		sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null
		sed -n 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\).*/\2/p' \
			/etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
	} | grep -E '/debian(/|\.list)?$' | head -n 1
}

# Whoever has the suite already has also decided about its priority.
add_trixie() {
	grep -qsE '^(Suites:|deb ).*[[:space:]/]trixie([[:space:]]|$)' /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
		/etc/apt/sources.list.d/*.sources && return
	uri=$(mirror)
	[ -n "$uri" ] || uri=http://deb.debian.org/debian
	say "adding the suite trixie of $uri at priority 100"
	# The pin first: there must be no moment in which the suite stands without it.
	printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' |
		as_root tee /etc/apt/preferences.d/sluice-trixie >/dev/null
	printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' "$uri" \
		/usr/share/keyrings/debian-archive-keyring.gpg |
		as_root tee /etc/apt/sources.list.d/sluice-trixie.sources >/dev/null
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 "$@"
}

# An index that cannot be fetched (of a third party, say) is no reason to stop: installing tells whether it mattered.
refresh() {
	apt update >&2 || say "not all indexes could be fetched; going on with those there are"
}

install_packages() {
	apt --no-install-recommends --no-remove install "$@" >&2
}

# As install_packages, unless it would change the version of anything installed.
install_only() {
	plan=$(apt --simulate --no-install-recommends install "$@") || die "cannot be installed: $*"
	# "Inst name [installed version] (new version …": the brackets are there for upgrades only.
	changed=$(echo "$plan" | sed -n 's/^Inst \([^ ]*\) \[.*/\1/p; s/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
	[ -z "$changed" ] || die "refused, as it would change what is installed: $changed"
	install_packages "$@"
}

wanted=$build
case ${1-} in
'') ;;
run) wanted="$build curl" ;;
test) wanted="$build $tests" ;;
dev) wanted="$build $tests $development" ;;
*) say "usage: scripts/deps.sh [run|test|dev]"; exit 2 ;;
esac

command -v dpkg-query >/dev/null || die "this is no Debian; needed are: $wanted"
# shellcheck disable=SC2086 # lists of package names
lacking=$(missing $wanted | tr '\n' ' ')
if [ -z "$lacking" ]; then
	say "all there"
	exit 0
fi
say "missing: $lacking"

# shellcheck disable=SC1091 # of the machine
release=$(. /etc/os-release && echo "${ID-}:${VERSION_ID-}")
ours=$lacking
foreign=
case $release in
debian:12)
	ours=
	for package in $lacking; do
		case " $from_trixie " in
		*" $package "*) foreign="$foreign $package" ;;
		*) ours="$ours $package" ;;
		esac
	done
	;;
debian:13) ;;
*) say "made for Debian 12 and 13, this is $release: trying all the same" ;;
esac

# What the release itself has comes first, while the other suite is not there yet.
# shellcheck disable=SC2086 # lists of package names
if [ -n "$ours" ]; then
	refresh
	install_packages $ours
fi
# shellcheck disable=SC2086
if [ -n "$foreign" ]; then
	add_trixie
	refresh
	install_only $foreign
fi
say "done"
