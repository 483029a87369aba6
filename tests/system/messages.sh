#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Policies, statuses and calls of an extension that neither weirctl nor the daemon has heard of: what they know is
# what its schema says (tests/extensions/small/formats.c takes the messages of tests/ctl/sample.proto). Every format goes
# from words through the daemon and the extension to words and JSON and back, over a restart and through a document.
. "$(dirname "$0")/lib.sh"
need protoc
use_extensions formats

daemon_start --extensions "$extensions"
ctl switch add br0
for port in p0 p1; do ctl port add br0 $port null; done
ctl extension attach br0 formats

# ---- What can be said, is told
schema=$(ctl policy schema formats -j)
# field TYPE NAME KEY
field() { jq -r ".[] | select(.type == \"$1\" and .role != \"reply\").fields[] | select(.name == \"$2\").$3" <<<"$schema"; }
equal "types" "$(jq -r 'map("\(.role) \(.type)") | join(", ")' <<<"$schema")" \
	"policy rule, policy everything, status totals, call start, reply start, call list, reply list, call watch"
equal "the comment of a message" "$(jq -r '.[0].comment' <<<"$schema")" "Lets frames pass or not."
equal "the comment of a field" "$(field rule remote comment)" "The other side."
equal "key" "$(field rule remote key)" true
equal "oneof" "$(field rule deny oneof)" action
equal "default" "$(field rule direction default)" out
equal "values" "$(field rule direction 'values | join(" ")')" "in out both_ways"
equal "within a message" "$(field rule also[N].ports format)" l4-port
equal "unit" "$(field everything rate unit)" "bits per second"
equal "range" "$(field everything rate min) $(field everything rate max)" "1000 100000000000"
shown=$(ctl policy schema formats)
grep -q '^rate  *optional  uint64 .*rate .*bits per second ' <<<"$shown" || fail "$shown"

# The set that the daemon serves is one that protobuf's own tools read, with options and comments.
python3 - "$WEIR_SOCKET" "$here" >"$work/set" <<'PYTHON'
import struct, sys
sys.path.insert(0, sys.argv[2])
from protocol import Client, fields, message, singular
client = Client(sys.argv[1])
client.send("policy_schema", message("formats"))
reply = singular(client.receive(struct.unpack("!I", client.receive(4))[0]))
schema = next(value for number, value in reply.items() if number > 3)
sys.stdout.buffer.write(dict(fields(schema))[2])
PYTHON
protoc -I "$top/proto" --decode=google.protobuf.FileDescriptorSet weir/options.proto <"$work/set" >"$work/decoded"
for text in '[weir.role]: CALL' '[weir.target]: SWITCH' '[weir.unit]: BITS_PER_SECOND' '[weir.format]: RATE' '[weir.min]: 1000' \
	'[weir.key]: true' 'leading_comments: " The other side.\n"'; do
	grep -qF "$text" "$work/decoded" || fail "the descriptor set has no $text"
done

# ---- Values: what is given, and what comes back of it
rows=(
	"rate=10mbit|rate=10mbit|10000000"
	"rate=2.5G|rate=2500mbit|2500000000"
	"frames=10kpps|frames=10kpps|10000"
	"idle=1.5s|idle=1500ms|1500"
	"age=30s|age=30s|30"
	"age=5m|age=5m|300"
	"burst=64K|burst=64K|65536"
	"mask=0xff00|mask=0xff00|65280"
	"ether_type=arp|ether_type=arp|2054"
	"address_number=192.0.2.1|address_number=192.0.2.1|\"192.0.2.1\""
	"ipv6=2001:DB8::1|ipv6=2001:db8::1|\"2001:db8::1\""
	"address=192.0.2.9|address=192.0.2.9|\"192.0.2.9\""
	"mac=02:00:5E:10:00:01|mac=02:00:5e:10:00:01|\"02:00:5e:10:00:01\""
	"prefixes=10.0.0.0/8,2001:db8::/32|prefixes=10.0.0.0/8,2001:db8::/32|[\"10.0.0.0/8\",\"2001:db8::/32\"]"
	"names=a\\,b,c|names='a\\,b,c'|[\"a,b\",\"c\"]"
	"port=p1|port=p1|\"p1\""
	"level=HIGH|level=high|\"high\""
	"real=0.5|real=0.5|0.5"
	"flag=on|flag=true|true"
	"blob=00ff|blob=00ff|\"00ff\""
	"zigzag_big=-1000000000000|zigzag_big=-1000000000000|-1000000000000"
)
words=()
for row in "${rows[@]}"; do
	IFS='|' read -r given text json <<<"$row"
	ctl policy add p0 formats.everything "$given" --id one >/dev/null || fail "$given is refused"
	equal "$given in a table" "$(ctl policy list p0 formats.everything | awk 'NR == 2 { print $5 }')" "$text"
	equal "$given in JSON" "$(value ".[0].body[\"${given%%=*}\"] | tojson" policy list p0 formats.everything)" "$json"
	[[ " ${words[*]} " == *" ${given%%=*}="* ]] || words+=("$given")
done
equal "policies" "$(value length policy list p0)" 1
ctl policy add p0 formats.everything "${words[@]}" --id all >/dev/null
ctl policy add switch:br0 formats.rule remote=10.0.0.0/8 direction=in match.protocol=tcp match.ports=80,443 \
	match.except.ports=8080 'also[0].protocol=udp' 'also[1].fragment=true' deny= id=nested >/dev/null
nested="remote=10.0.0.0/8 direction=in match.protocol=tcp match.ports=80,443 match.except.ports=8080 \
also[0].protocol=udp also[1].fragment=true deny="
equal "messages within messages" \
	"$(ctl policy list switch:br0 formats.rule | sed -n '2s/.* nested  *//p' | tr -d "'")" "$nested"
equal "the same in JSON" "$(value '.[0].body.match | tojson' policy list switch:br0 formats.rule)" \
	'{"protocol":6,"ports":[80,443],"except":{"ports":[8080]}}'

# What the table shows can be given again.
state() { ctl policy list -j; }
before=$(state)
eval "ctl policy add p0 formats.everything $(ctl policy list p0 formats.everything | sed -n 's/^p0 .* all  *//p') --id all" >/dev/null
eval "ctl policy add switch:br0 formats.rule $(ctl policy list switch:br0 formats.rule | sed -n '2s/.* nested  *//p') id=nested" >/dev/null
equal "given again" "$(state)" "$before"

# ---- What cannot be said, says why, and changes nothing
refused() {
	local text=$1 said status=0
	shift
	said=$(ctl "$@" 2>&1) || status=$?
	equal "exit status of $*" $status 1
	[[ $said == *"$text"* ]] || fail "$*: \"$said\" does not say \"$text\""
	equal "state after $*" "$(state)" "$before"
}
refused 'rate "10": must be 1kbit to 100gbit' policy add p0 formats.everything rate=10
refused 'rate "10mb": must be a rate such as 10mbit' policy add p0 formats.everything rate=10mb
refused 'age "2d": must be 0s to 24h' policy add p0 formats.everything age=2d
refused 'mac "02:00": must be a MAC address such as' policy add p0 formats.everything mac=02:00
refused 'level "middle": must be one of low, high' policy add p0 formats.everything level=middle
refused 'match.ports: must have at most 3 values' policy add p0 formats.rule remote=::/0 match.ports=1,2,3,4
refused 'remote is missing' policy add p0 formats.rule direction=in
refused 'unknown field "match.colour"' policy add p0 formats.rule remote=::/0 match.colour=red
refused 'there are formats.rule, formats.everything' policy add p0 formats.totals frames=1
refused 'formats.everything' policy add switch:br0 formats.everything flag=true
refused 'the one with id nested has the same key' policy add switch:br0 formats.rule remote=10.0.0.0/8 id=twin
# The daemon finds by itself what weirctl does not look for.
refused 'deny: only one of action may be given' policy add p0 formats.rule remote=::/0 allow= deny=

# ---- Statuses
equal "status of a port" "$(ctl policy status p0 formats | tail -n 1 | tr -s ' ')" "p0 formats totals frames=2"
equal "of all ports" "$(value 'map("\(.target)=\(.body.frames)") | sort | join(" ")' policy status formats.totals)" "p0=2 p1=0"

# ---- Calls: rows, files, a stream
cd "$work"
equal "a row" "$(TZ=UTC ctl formats start port=p1 at=in,out size=64K | tr -s ' ' | paste -sd ' ')" \
	"name p1 size 64K since 2023-11-14 22:13:20"
equal "in JSON" "$(value '"\(.name) \(.size) \(.since)"' formats start port=p1 size=64K)" "p1 65536 1700000000"
equal "rows" "$(ctl formats list | awk '{ print $1 }' | paste -sd ' ')" "NAME first second"
echo "what is read" >read
ctl formats start port=p1 read=read write=written >/dev/null
equal "what was copied" "$(cat written)" "what is read"
ctl formats start port=p1 write=nothing --dry-run >/dev/null
[ ! -e nothing ] || fail "a dry run made a file"
ctl formats watch >stream &
watching=$!
pids+=("$watching")
eventually 10 "the first piece" grep -q one stream
wait $watching || fail "the call that streams"
equal "the stream" "$(cat stream)" "$(printf 'one\ntwo')"
# Who goes away ends the call; the next one is taken.
timeout -s INT 0.1 "$build/weirctl" formats watch >/dev/null || true
watched() { [ "$(ctl formats watch)" = "$(printf 'one\ntwo')" ]; }
eventually 10 "watching again" watched
refused 'port is missing' formats start
refused 'read "' formats start port=p1 read=none
status=0
said=$(ctl formats stop 2>&1) || status=$?
equal "exit status of an unknown call" $status 2
[[ $said == *"formats has start, list, watch"* ]] || fail "$said"
for words in 'formats start' 'policy add p0 formats.rule'; do
	# shellcheck disable=SC2086 # words
	shown=$(ctl $words --help)
	grep -qE '^(read|remote) .* (What it is told beforehand|The other side)\.$' <<<"$shown" || fail "$shown"
done

# ---- Completion, of the daemon as it is
completed() { ctl completion names "$@" | paste -sd ' '; }
equal "policies" "$(completed policy p0)" "formats.rule formats.everything"
equal "fields" "$(completed field formats.rule 'match.p' | tr ' ' '\n' | grep '^match\.p' | paste -sd ' ')" \
	"match.protocol= match.ports="
equal "values" "$(completed field formats.rule direction= | grep -oE 'direction=[a-z_]+' | paste -sd ' ')" \
	"direction=in direction=out direction=both_ways"
equal "ports" "$(completed call-field formats start port= | grep -oE ' port=[a-z0-9]+ port=[a-z0-9]+')" " port=p0 port=p1"
equal "calls" "$(completed call formats)" "start list watch"
install -m 644 /dev/null "$extensions/other.so"
equal "extensions to load" "$(completed loadable | grep -o other)" other
equal "those that are loaded" "$(completed loadable | grep -c formats)" 0
equal "extensions to attach" "$(completed attachable br0 | grep -oE 'formats|other' | paste -sd ' ')" "other"
equal "extensions to attach elsewhere" "$(completed attachable br9 | grep -oE 'formats|other' | paste -sd ' ')" "formats other"
equal "extensions to detach" "$(completed attached br0)" formats
at sw ip link add to-vm type veth peer name of-vm
equal "interfaces" "$(at sw "$build/weirctl" completion names nic | sort | paste -sd ' ')" "packet:of-vm packet:to-vm"
words=$(at sw bash --norc -c 'PATH=$1:$PATH && source <(weirctl completion bash) &&
	COMP_WORDS=(weirctl port add br0 x packet : to) && COMP_CWORD=7 && _weirctl && echo "${COMPREPLY[*]}"' - "$build")
equal "interfaces behind packet:" "$words" to-vm
at sw ip link delete to-vm
rm "$extensions/other.so"

# ---- It lasts, and goes through a document
daemon_stop
daemon_start --extensions "$extensions"
equal "policies after a restart" "$(state)" "$before"
equal "statuses after a restart" "$(value '.[0].body.frames' policy status p0 formats)" 2
ctl export >site.json
for id in one all; do ctl policy remove p0 formats.everything $id; done
ctl policy remove switch:br0 formats.rule nested
ctl apply site.json >/dev/null
equal "policies after apply" "$(state | jq -S 'sort_by(.target, .id)')" "$(jq -S 'sort_by(.target, .id)' <<<"$before")"
equal "what is left to do" "$(ctl apply site.json --dry-run)" ""
finish
