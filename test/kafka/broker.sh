#!/usr/bin/env bash
# One Kafka broker in KRaft mode on 127.0.0.1, from the jars that fetch.sh brought. Works with 3.9 and 4.x.
#
#   broker.sh start  [-l JARS] [-d DATA] [-p PORT] [-c CONTROLLER_PORT] [-m HEAP] [-q] [-w PID]
#                    [-o key=value ...] [-u MECHANISM=[name=N,password=P] ...]
#       format the folder where it is new, start, wait until it is ready.
#       -q: quick to start, for tests; without it, quick to run. -w: ends when that process does.
#       -o: a setting of the broker. -u: a SCRAM user, made when the folder is formatted.
#   broker.sh stop   [-d DATA] [-k]      a clean stop; -k: SIGKILL, as a crash would
#   broker.sh wipe   [-d DATA]           stop, and delete the data
#   broker.sh status [-d DATA]
set -euo pipefail

usage() { sed -n '2,11p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
[ $# -ge 1 ] || usage
command=$1; shift

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jars=
data=${TMPDIR:-/tmp}/starling-broker
port=9092
controller=
heap=400m
quick=
watched=
hard=
settings=()
users=()
while getopts 'l:d:p:c:m:w:o:u:qk' flag; do
  case $flag in
    l) jars=$OPTARG ;; d) data=$OPTARG ;; p) port=$OPTARG ;; c) controller=$OPTARG ;; m) heap=$OPTARG ;;
    w) watched=$OPTARG ;; o) settings+=("$OPTARG") ;; u) users+=(--add-scram "$OPTARG") ;; q) quick=1 ;; k) hard=1 ;;
    *) usage ;;
  esac
done
controller=${controller:-$((port + 1))}
[ -d "$data" ] && data=$(cd "$data" && pwd)
pidfile=$data/broker.pid

# The pid counts as ours only while that process still names our folder.
running_pid() {
  local pid
  [ -s "$pidfile" ] || return 1
  pid=$(<"$pidfile")
  arguments_of "$pid" | grep -qF -- "-Dbroker.data=$data " || return 1
  echo "$pid"
}

arguments_of() {
  if [ -d /proc/self ]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -o args= -ww -p "$1"; fi 2>/dev/null
}

write_config() {
  cat >"$data/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$data/log
num.network.threads=2
num.io.threads=4
num.partitions=1
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
log.cleaner.dedupe.buffer.size=8388608
message.max.bytes=16777216
P
  local setting
  for setting in ${settings[@]+"${settings[@]}"}; do printf '%s\n' "$setting" >>"$data/server.properties"; done
  cat >"$data/log4j.properties" <<'P'
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{1} %m%n
log4j.logger.kafka.server.KafkaRaftServer=INFO
P
  cat >"$data/log4j2.properties" <<'P'
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
logger.raft.name=kafka.server.KafkaRaftServer
logger.raft.level=info
P
}

# 3.9 comes with one stack for logs, 4.x with another.
logging_flag() {
  if compgen -G "$jars/log4j-core-2*.jar" >/dev/null; then
    echo "-Dlog4j2.configurationFile=$data/log4j2.properties"
  else
    echo "-Dlog4j.configuration=file:$data/log4j.properties"
  fi
}

format() {
  local id
  id=$(head -c16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22)
  java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$(logging_flag)" -cp "$jars/*" kafka.tools.StorageTool format \
    -c "$data/server.properties" -t "${id/#-/A}" --ignore-formatted ${users[@]+"${users[@]}"} >"$data/format.log" 2>&1 ||
    { cat "$data/format.log" >&2; exit 1; }
}

# Whoever started the broker may be killed; then nobody else would end it.
end_with() {
  local owner=$1 pid=$2
  (
    while kill -0 "$owner" 2>/dev/null && kill -0 "$pid" 2>/dev/null; do sleep 2; done
    [ "$(running_pid)" = "$pid" ] && kill -KILL "$pid"
  ) >/dev/null 2>&1 </dev/null &
}

start() {
  local pid i from apart=()
  jars=${jars:-$("$here/fetch.sh" kafka-4)}
  compgen -G "$jars/kafka_2.13-*.jar" >/dev/null || { echo "no Kafka jars in $jars" >&2; exit 1; }
  mkdir -p "$data"; data=$(cd "$data" && pwd); pidfile=$data/broker.pid
  if pid=$(running_pid); then echo "already running, pid $pid" >&2; exit 1; fi
  write_config
  [ -f "$data/log/meta.properties" ] || format
  # What a crash left in the log stays; only what comes after it tells that this start is done.
  touch "$data/broker.log"; from=$(($(wc -c <"$data/broker.log") + 1))
  # A terminal's Ctrl-C is for whoever started the broker, not for it.
  command -v setsid >/dev/null && apart=(setsid)
  ${apart[@]+"${apart[@]}"} java -Xms64m -Xmx"$heap" -XX:MaxDirectMemorySize=256m -XX:+UseSerialGC ${quick:+-XX:TieredStopAtLevel=1} \
    -Djava.awt.headless=true "$(logging_flag)" -Dbroker.data="$data" -cp "$jars/*" kafka.Kafka "$data/server.properties" \
    >>"$data/broker.log" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$pidfile"
  for ((i = 0; i < 900; i++)); do
    kill -0 "$pid" 2>/dev/null || { echo "the broker ended:" >&2; tail -30 "$data/broker.log" >&2; exit 1; }
    # Said once the listeners are open and the controller lets clients in.
    if tail -c "+$from" "$data/broker.log" | grep -q 'Kafka Server started'; then
      [ -z "$watched" ] || end_with "$watched" "$pid"
      echo "ready 127.0.0.1:$port pid $pid"
      return 0
    fi
    sleep 0.1
  done
  echo "not ready after 90 s" >&2; tail -30 "$data/broker.log" >&2; kill -KILL "$pid"; exit 1
}

stop() {
  local pid i
  pid=$(running_pid) || { rm -f "$pidfile"; echo "not running"; return 0; }
  if [ -n "$hard" ]; then kill -KILL "$pid"; else kill -TERM "$pid"; fi
  for ((i = 0; i < 300; i++)); do
    kill -0 "$pid" 2>/dev/null || { rm -f "$pidfile"; echo "stopped $pid"; return 0; }
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$pidfile"; echo "killed $pid, which did not stop within 30 s"
}

case $command in
  start) start ;;
  stop) stop ;;
  wipe) stop; [ ! -f "$data/server.properties" ] || rm -rf "$data" ;;
  status)
    if pid=$(running_pid); then echo "running, pid $pid"; else echo "not running"; exit 3; fi ;;
  *) usage ;;
esac
