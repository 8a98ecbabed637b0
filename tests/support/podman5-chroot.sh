#!/usr/bin/env bash
# podman5-chroot.sh: a second, modern Podman (5.x from Debian 13) beside the host's own, for tests.
#
#   podman5-chroot.sh up               make what is missing, start the API service, print the socket's path
#   podman5-chroot.sh socket           print the socket's path (exit 1 when the service does not answer)
#   podman5-chroot.sh podman ARGS...   run the Podman CLI inside
#   podman5-chroot.sh load              load an image archive from stdin into its store
#   podman5-chroot.sh kill             kill -9 the API service alone; its containers go on
#   podman5-chroot.sh serve            start the API service again
#   podman5-chroot.sh down             remove its containers, stop the service and all it started
#   podman5-chroot.sh clean            down, then delete the folder
#
# Needs: root, debootstrap, unshare/nsenter (util-linux), curl. No systemd. Nothing on the host is
# changed: mounts live in a mount namespace of their own and go with the last process in it.
# Settings (environment):
#   PODMAN5_DIR      where it lives        (default /var/tmp/podman5-chroot; no overlayfs or tmpfs)
#   PODMAN5_SUITE    Debian suite          (default trixie: Podman 5.4; bookworm: 4.3; sid: the newest)
#   PODMAN5_RUNTIME  runc or crun          (default: crun where it runs, else runc)
#   PODMAN5_CGROUP   host or v2            (default: host where the host is pure cgroup v2 already, else v2:
#                    the host's v2 hierarchy alone, so Podman and crun see a modern machine; it may have
#                    no controllers there, so no memory, cpu or pids limits)
#   PODMAN5_BIND     host folders that its containers may mount, at the same path (default "/tmp")
#   PODMAN5_SUBNET   its default network   (default 10.91.0.0/24: not the host Podman's)
set -euo pipefail

DIR=${PODMAN5_DIR:-/var/tmp/podman5-chroot}
SUITE=${PODMAN5_SUITE:-trixie}
CGROUP=${PODMAN5_CGROUP:-}
[ -n "$CGROUP" ] || { [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ] && CGROUP=host || CGROUP=v2; }
BIND=${PODMAN5_BIND-/tmp}
SUBNET=${PODMAN5_SUBNET:-10.91.0.0/24}
IFS=./ read -r _ o2 o3 _ <<<"$SUBNET"
BRIDGE=p5br${o2}x${o3} # one per subnet, so several of these can run side by side
ROOT=$DIR/root
SOCKDIR=$DIR/sock
SOCK=$SOCKDIR/podman.sock
PIDFILE=$DIR/service.pid # the API service
HOLDER=$DIR/holder.pid   # keeps the mount namespace
PACKAGES=ca-certificates,podman,runc,crun,netavark,aardvark-dns,iptables,nftables,conmon,catatonit,iproute2

say() { printf 'podman5: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck disable=SC2016
mirrors() { # the archive(s) this machine's apt uses, security and update suites aside
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 == "main" && $1 !~ /security/ && !seen[$1]++ { print $1 }'
}

build() {
  [ -e "$DIR/.complete" ] && return 0
  command -v debootstrap >/dev/null || die "debootstrap is missing"
  mkdir -p "$DIR"
  rm -rf --one-file-system "$ROOT"
  local proxy='' m list
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ -n "$proxy" ] && [ "$proxy" != DIRECT ] && export http_proxy=$proxy
  list=$(mirrors)
  if [ -z "$list" ]; then apt-get update -qq >&2; list=$(mirrors); fi
  for m in $list; do
    if debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$ROOT" "$m" >"$DIR/build.log" 2>&1; then
      : >"$DIR/.complete"
      rm -rf "$ROOT"/var/cache/apt/archives/*.deb
      return 0
    fi
    rm -rf --one-file-system "$ROOT"
  done
  tail -n 20 "$DIR/build.log" >&2 2>/dev/null || true
  die "no $SUITE root file system: see $DIR/build.log"
}

configure() {
  local rt=$1 nofile nproc pids=2048
  nofile=$(ulimit -Hn); nproc=$(ulimit -Hu)
  [ "$nofile" = unlimited ] && nofile=1048576
  [ "$nproc" = unlimited ] && nproc=1048576
  [ "$nproc" -gt "$(cat /proc/sys/kernel/pid_max)" ] && nproc=$(cat /proc/sys/kernel/pid_max) # 4.x lowers its own to this
  [ "$CGROUP" = v2 ] && pids=0
  mkdir -p "$ROOT/etc/containers/networks" "$SOCKDIR"
  cat >"$ROOT/etc/containers/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$nofile:$nofile", "nproc=$nproc:$nproc"]
pids_limit = $pids
log_driver = "k8s-file"
[engine]
runtime = "$rt"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "shm"
[network]
network_backend = "netavark"
CONF
  printf '[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' \
    >"$ROOT/etc/containers/storage.conf"
  local base=${SUBNET%.*}
  cat >"$ROOT/etc/containers/networks/podman.json" <<CONF
{"name": "podman", "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9", "driver": "bridge",
 "network_interface": "$BRIDGE", "created": "2025-01-01T00:00:00Z",
 "subnets": [{"subnet": "$SUBNET", "gateway": "$base.1"}], "ipv6_enabled": false, "internal": false,
 "dns_enabled": false, "ipam_options": {"driver": "host-local"}}
CONF
  if [ -e /etc/resolv.conf ]; then cp -L /etc/resolv.conf "$ROOT/etc/resolv.conf"; fi
  [ -e "$ROOT/etc/hosts" ] || printf '127.0.0.1 localhost\n' >"$ROOT/etc/hosts"
}

same_root() { [ "$(stat -Lc %d:%i "/proc/$1/root" 2>/dev/null)" = "$(stat -Lc %d:%i "$ROOT" 2>/dev/null)" ]; }
alive() { # the pid in file $1, where it is still a process of ours
  local pid; pid=$(cat "$1" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -d "/proc/$pid" ] && same_root "$pid" && echo "$pid"
}
answers() { [ -S "$SOCK" ] && [ "$(curl -s -m 2 --unix-socket "$SOCK" http://d/_ping 2>/dev/null)" = OK ]; }

ENTER=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PODMAN_IGNORE_CGROUPSV1_WARNING=1)
inside() { # run in the holder's mount namespace and root
  local pid; pid=$(alive "$HOLDER") || die "not running"
  nsenter --target "$pid" --mount --root --wd -- "${ENTER[@]}" "$@"
}

# shellcheck disable=SC2016
hold() { # a process that keeps the mount namespace; the service and its containers join it
  ROOT=$ROOT SOCKDIR=$SOCKDIR CGROUP=$CGROUP BIND=$BIND setsid unshare --mount --propagation private bash -euc '
    mount --bind "$ROOT" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    if [ "$CGROUP" = v2 ]; then
      mount -t sysfs sysfs "$ROOT/sys"; mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
    else
      mount --rbind /sys "$ROOT/sys"
    fi
    mount --rbind /dev "$ROOT/dev"; mount -t tmpfs tmpfs "$ROOT/dev/shm"
    mount -t tmpfs tmpfs "$ROOT/run"; mkdir -p "$ROOT/run/podman"; mount --bind "$SOCKDIR" "$ROOT/run/podman"
    for d in $BIND; do mkdir -p "$ROOT$d"; mount --bind "$d" "$ROOT$d"; done
    # pivot_root, not chroot: "podman exec" joins the mount namespace and lands at its root
    mkdir -p "$ROOT/.old"; cd "$ROOT"; pivot_root . .old
    exec chroot . /bin/sh -euc "umount -l /.old; cd /; touch /run/ready; exec sleep infinity"
  ' </dev/null >>"$DIR/service.log" 2>&1 &
  echo $! >"$HOLDER"
  for _ in $(seq 100); do
    [ -e "/proc/$(cat "$HOLDER")/root/run/ready" ] && alive "$HOLDER" >/dev/null && return 0
    [ -d "/proc/$(cat "$HOLDER")" ] || break
    sleep 0.05
  done
  tail -n 20 "$DIR/service.log" >&2; die "no mount namespace: see $DIR/service.log"
}

serve() { # start the API service (again) beside whatever containers run
  local pid; pid=$(alive "$HOLDER") || die "not running"
  rm -f "$SOCK"
  setsid nsenter --target "$pid" --mount --root --wd -- "${ENTER[@]}" \
    podman system service --time=0 unix:///run/podman/podman.sock </dev/null >>"$DIR/service.log" 2>&1 &
  echo $! >"$PIDFILE"
  for _ in $(seq 300); do
    answers && return 0
    [ -d "/proc/$(cat "$PIDFILE")" ] || break
    sleep 0.05
  done
  tail -n 20 "$DIR/service.log" >&2; die "the service does not answer: see $DIR/service.log"
}

up() {
  [ "$(id -u)" = 0 ] || die "needs root"
  if answers && alive "$PIDFILE" >/dev/null; then echo "$SOCK"; return 0; fi
  build
  down
  local rt=${PODMAN5_RUNTIME:-}
  configure "${rt:-crun}"
  hold; serve
  if ! try_run; then
    say "$(tail -n 1 "$DIR/try.log")"
    if [ -n "$rt" ]; then down; die "containers do not run with $rt: see $DIR/try.log"; fi
    say "crun with cgroup=$CGROUP does not run here, using runc and the host's cgroups"
    down; CGROUP=host; configure runc; hold; serve
    try_run || { tail -n 5 "$DIR/try.log" >&2; down; die "containers do not run: see $DIR/try.log"; }
  fi
  echo "$SOCK"
}

# shellcheck disable=SC2016
try_run() { # a container from the chroot's own static-enough tools: a bind of its /usr is all it needs
  inside bash -euc '
    mkdir -p /tmp/p5try/usr && cd /tmp/p5try && for d in bin lib lib64 sbin; do ln -sfn usr/$d $d; done
    mkdir -p proc sys dev etc run tmp
    podman run --rm --name p5-try --network none -v /usr:/usr:ro --rootfs /tmp/p5try /bin/true' >"$DIR/try.log" 2>&1
}

down() {
  if alive "$HOLDER" >/dev/null; then (inside timeout 120 podman rm --force --all --time 0) >/dev/null 2>&1 || true; fi
  # what is left: processes whose root is ours (service, conmon, cleanup, dns), and containers whose cgroup is ours
  local pid proc dir found
  for _ in 1 2 3 4 5; do
    found=
    local ids=()
    for dir in "$ROOT"/var/lib/containers/storage/overlay-containers/*/; do
      dir=${dir%/}; [[ ${dir##*/} =~ ^[0-9a-f]{64}$ ]] && ids+=(-e "libpod-${dir##*/}")
    done
    for proc in /proc/[0-9]*; do
      pid=${proc##*/}
      [ "$pid" = "$$" ] && continue
      if { [ -e "$ROOT" ] && same_root "$pid"; } ||
        { [ ${#ids[@]} -gt 0 ] && grep -qF "${ids[@]}" "$proc/cgroup" 2>/dev/null; }; then
        disown "$pid" 2>/dev/null || true
        kill -9 "$pid" 2>/dev/null && found=1
      fi
    done
    [ -z "$found" ] && break
    sleep 0.2
  done
  ip link delete "$BRIDGE" 2>/dev/null || true
  rm -f "$SOCK" "$PIDFILE" "$HOLDER"
}

clean() {
  down
  [ -e "$ROOT" ] && grep -q " $ROOT" /proc/self/mountinfo && die "still mounted under $ROOT"
  rm -rf --one-file-system "$DIR"
}

case ${1:-up} in
  up) up ;;
  socket) answers || exit 1; echo "$SOCK" ;;
  podman) shift; inside podman "$@" ;;
  kill) pid=$(alive "$PIDFILE") && kill -9 "$pid" ;;
  serve) serve; echo "$SOCK" ;;
  load) inside podman load --quiet ;;
  down) down ;;
  clean) clean ;;
  *) sed -n '2,/^set/p' "$0" >&2; exit 2 ;;
esac
