# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What every script here needs: where things are, which kernels, messages.

LENSCAP_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
LENSCAP_BUILD=${LENSCAP_BUILD:-$LENSCAP_ROOT/build}
LENSCAP_CACHE=${LENSCAP_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/lenscap}

# The supported series; each has a Debian metapackage that names its release.
LENSCAP_KERNELS=(6.1 6.12)

note() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die()
{
	note "$@"
	exit "${DIE_STATUS:-1}"
}

# headers_package SERIES: the metapackage of the series' headers
headers_package()
{
	case $1 in
	6.1) echo linux-headers-amd64 ;;
	6.12) echo linux-headers-6.12-amd64 ;;
	*) die "no such kernel: $1 (there are: ${LENSCAP_KERNELS[*]})" ;;
	esac
}

# kernel_release SERIES: "6.1.0-56-amd64", that of the installed headers, so
# that a module built here loads into the image that boots; empty if none are
kernel_release()
{
	local package
	package=$(headers_package "$1") || exit
	dpkg-query -W -f '${Depends}\n' "$package" 2>/dev/null |
		sed -n 's/^\(.*, *\)\?linux-headers-\([^ ,]*-amd64\).*/\2/p' || true
}

# headers_dir SERIES: where a module for the series is built against
headers_dir() { echo "/usr/src/linux-headers-$(kernel_release "$1")"; }

# kernel_dir SERIES: the image's files, unpacked (boot/, lib/modules/)
kernel_dir() { echo "$LENSCAP_CACHE/kernels/$1"; }

# kernel_ready SERIES: whether the cache holds the image that fits the headers
kernel_ready()
{
	local dir release
	dir=$(kernel_dir "$1") || exit
	release=$(kernel_release "$1")
	[[ -n $release && -f $dir/release && $(<"$dir/release") == "$release" ]]
}

# kernel_source: unpack Debian's 6.1 source into the cache if it is not there,
# and say where: the debug kernels are built from it, and checkpatch is in it
kernel_source()
{
	local version dir=$LENSCAP_CACHE/src/linux-6.1
	version=$(dpkg-query -W -f '${Version}' linux-source-6.1 2>/dev/null) ||
		die "linux-source-6.1 is missing: run scripts/setup check"
	mkdir -p "$LENSCAP_CACHE/src"
	(
		flock 8
		[[ $(cat "$dir/.lenscap-version" 2>/dev/null) != "$version" ]] ||
			exit 0
		note "unpacking the kernel source ($version)"
		rm -rf "$dir"
		mkdir "$dir"
		tar -C "$dir" --strip-components=1 \
			-xf /usr/src/linux-source-6.1.tar.xz
		echo "$version" >"$dir/.lenscap-version"
	) 8>"$LENSCAP_CACHE/src/lock" || die "cannot unpack the kernel source"
	echo "$dir"
}
