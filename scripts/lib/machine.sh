# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The host's half of running one command in a machine, whatever sort it is:
# what scripts/vm and scripts/uml have in common. The guest's half is vm-init.
#
# Lifetime: everything is in one temporary directory ($run) that goes with the
# script; the machine is a child that dies with the script even by SIGKILL.

# Read and set by the scripts that use this:
# shellcheck disable=SC2034

DIE_STATUS=125

# The options that every machine has, and their defaults.
limit=600
memory=2048
share=
append=
environment=()
machine_label=machine

machine_usage()
{
	cat <<'END'
  --timeout SECONDS     limit for COMMAND (600)
  --memory MB           memory (2048)
  --share DIR           DIR is /run/lenscap-vm/share, writable, in the machine
  --env NAME[=VALUE]    set a variable; LENSCAP_* and TERM are passed anyway
  --append PARAMETERS   add to the kernel's command line

The kernel log is written to /run/lenscap-vm/share/dmesg when COMMAND ends.
The exit status is COMMAND's; 124 if it ran out of time; 125 if the machine
did not start or died. Logs of what failed are kept under build/vm.
END
}

# machine_option NAME VALUE: true if it is one of them
machine_option()
{
	case $1 in
	--timeout) limit=$2 ;;
	--memory) memory=$2 ;;
	--share) share=$2 ;;
	--append) append=$2 ;;
	--env)
		if [[ $2 == *=* ]]; then
			environment+=("$2")
		else
			environment+=("$2=${!2-}")
		fi
		;;
	*) return 1 ;;
	esac
}

need_number()
{
	[[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1: not a number: $2"
}

need_tools()
{
	local tool
	for tool in "$@"; do
		PATH=$PATH:/usr/sbin:/sbin type "$tool" >/dev/null 2>&1 ||
			die "$tool is missing: run scripts/setup check"
	done
}

machine_pid=
output_pid=
machine_arguments=()
run=
ctl=
console=

machine_cleanup()
{
	trap '' HUP INT TERM
	[[ -z $machine_pid ]] || kill -KILL "$machine_pid" 2>/dev/null || true
	[[ -z $output_pid ]] || kill "$output_pid" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$run"
}

# machine_prepare COMMAND...: the temporary directory, and what the guest reads
machine_prepare()
{
	need_number --timeout "$limit"
	need_number --memory "$memory"
	run=$(mktemp -d "${TMPDIR:-/tmp}/lenscap-vm.XXXXXXXX")
	trap machine_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	console=$run/console.log
	ctl=$run/ctl
	mkdir "$ctl"
	share=${share:-$run/share}
	mkdir -p "$share"
	share=$(cd -- "$share" && pwd -P)
	printf '%s\0' "$@" >"$ctl/argv"
	pwd -P >"$ctl/cwd"
	echo "$limit" >"$ctl/limit"
	{
		env -0 | grep -zE '^(LENSCAP_[A-Z_]*|TERM)=' || true
		[[ ${#environment[@]} -eq 0 ]] ||
			printf '%s\0' "${environment[@]}"
	} >"$ctl/env"
}

# machine_start COMMAND...: a child that does not outlive this script
machine_start()
{
	setpriv --pdeathsig KILL "$@" </dev/null >>"$run/machine.log" 2>&1 &
	machine_pid=$!
}

machine_runs() { kill -0 "$machine_pid" 2>/dev/null; }

machine_reap()
{
	kill -KILL "$machine_pid" 2>/dev/null || true
	wait "$machine_pid" 2>/dev/null || true
	machine_pid=
}

machine_keep_logs()
{
	local kept
	mkdir -p "$LENSCAP_BUILD/vm"
	kept=$(mktemp -d "$LENSCAP_BUILD/vm/$machine_label-XXXXXX")
	chmod 0755 "$kept"
	cp "$console" "$kept/console.log" 2>/dev/null || true
	cp "$share/dmesg" "$kept/dmesg" 2>/dev/null || true
	[[ ! -s $run/machine.log ]] || cp "$run/machine.log" "$kept/machine.log"
	note "logs: ${kept#"$PWD"/}"
}

# machine_again: COMMAND has not begun, so that another start repeats nothing.
# Emulated processors that patch kernel text under each other's feet sometimes
# die in early boot; a machine that cannot start fails all three times.
machine_again()
{
	local attempt=${LENSCAP_VM_ATTEMPT:-1}
	[[ $attempt -lt 3 && ${#machine_arguments[@]} -gt 0 ]] || return 0
	machine_keep_logs
	machine_cleanup
	trap - EXIT HUP INT TERM
	note "starting it again (attempt $((attempt + 1)) of 3)"
	LENSCAP_VM_ATTEMPT=$((attempt + 1)) exec "$0" "${machine_arguments[@]}"
}

# machine_finish: wait for the machine that was started, and exit as COMMAND did
machine_finish()
{
	local deadline booted='' hung='' unread='' status
	# The guest keeps the command's time limit itself, so that it can still
	# say what hung; these are for one that does not start or answer.
	deadline=$((SECONDS + 300))
	while machine_runs; do
		if [[ -z $booted && -e $ctl/booted ]]; then
			booted=1
			deadline=$((SECONDS + limit + 60))
		fi
		[[ $SECONDS -lt $deadline ]] || break
		# The output ends with the machine; if the machine stays, then
		# whoever read the output has gone, and the machine may go.
		if [[ $deadline -gt $((SECONDS + 10)) ]] &&
			! kill -0 "$output_pid" 2>/dev/null; then
			unread=1
			deadline=$((SECONDS + 10))
		fi
		sleep 0.1
	done
	! machine_runs || hung=1
	machine_reap
	[[ -z $hung || -z $unread ]] || exit 141
	if [[ -s $ctl/status ]]; then
		# Everything that the guest has written is on its way by now.
		wait "$output_pid" || true
		output_pid=
		status=$(<"$ctl/status")
		[[ ! -e $ctl/late ]] ||
			note "the command ran longer than $limit s"
	elif [[ -n $hung && -n $booted ]]; then
		note "the machine stopped answering (limit $limit s)"
		status=124
	else
		if [[ -n $booted ]]; then
			note "the machine died"
		else
			note "the machine did not start"
			machine_again
		fi
		tail -n 15 "$console" >&2 || true
		[[ ! -s $run/machine.log ]] || cat "$run/machine.log" >&2
		status=125
	fi
	[[ $status -eq 0 ]] || machine_keep_logs
	exit "$status"
}
