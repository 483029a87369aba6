# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# The second half of `weirctl completion bash`: finds out which word of the command line is being
# completed. The first half is made from the command table:
#   _weirctl_objects, _weirctl_classes, _weirctl_options   words; _weirctl_values: " --option=KIND ..." with values
#   _weirctl_verbs OBJECT                prints the verbs
#   _weirctl_list KIND                   prints the words of a kind that the daemon is not asked for
#   _weirctl_command OBJECT VERB         sets kinds (of the arguments; KIND+ is repeated), and adds
#                                        to options and values
# shellcheck shell=bash disable=SC2154

# Words for a kind, one per line. They go through compgen -W, which expands them as the shell would:
# `weirctl completion names` prints nothing that could be expanded.
_weirctl_words()
{
	case $1 in
	-) ;;
	object) printf '%s\n' "$_weirctl_objects" ;;
	class) printf '%s\n' "$_weirctl_classes" ;;
	call-field) _weirctl_names call-field "$object" "$verb" "$current" ;;
	verb) _weirctl_verbs "${arguments[0]}" ;;
	field) _weirctl_names field "${arguments[1]}" "$current" ;;
	event | filter) _weirctl_listed "$1" "${current%"${current##*,}"}" ;;
	nic) _weirctl_nics ;;
	attachable | attached | policy) _weirctl_names "$1" "${arguments[0]}" ;;
	id) _weirctl_names id "${arguments[0]}" "${arguments[1]}" ;;
	*) _weirctl_names "$1" ;;
	esac
}

# Words that are always the same, behind what stands before the last comma.
_weirctl_listed()
{
	local word
	for word in $(_weirctl_list "$1"); do
		printf '%s\n' "$2$word"
	done
}

# The kinds of NICs; of the kind packet the interfaces.
_weirctl_nics()
{
	if [[ $current == packet:* ]]; then
		_weirctl_names nic
	else
		_weirctl_listed nic ''
	fi
}

# Names that the daemon knows; nothing when it cannot be asked.
_weirctl_names()
{
	"${COMP_WORDS[0]}" --timeout 2 "${socket[@]}" completion names "$@" 2>/dev/null
}

# Sets words to those up to the cursor, with those joined that readline splits at = and :.
_weirctl_join()
{
	local i word joining=''
	words=()
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ ${#words[@]} -gt 0 && ($word == [:=]* || (-n $joining && -n $word)) ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		joining=
		if [[ $word == [:=]* ]]; then
			joining=yes
		fi
	done
}

# Follows the words before the cursor: sets object, verb, arguments, socket and what the table says;
# pending is the kind of the value that an option still waits for.
_weirctl_parse()
{
	local i word only_words=''
	for ((i = 0; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		if [[ -n $pending ]]; then
			if [[ ${words[i - 1]} == --socket ]]; then
				socket=("--socket=$word")
			fi
			pending=
		elif [[ -z $only_words && $word == -- ]]; then
			only_words=yes
		elif [[ -z $only_words && $word == --socket=* ]]; then
			socket=("$word")
		elif [[ -z $only_words && $values == *" $word="* ]]; then
			pending=${values#*" $word="}
			pending=${pending%% *}
		elif [[ -z $only_words && $word == -?* ]]; then
			continue
		elif [[ -z $object ]]; then
			object=$word
			# An object without verbs is a command of its own.
			if _weirctl_command "$object" ''; then
				verb=-
			fi
		elif [[ -z $verb ]]; then
			verb=$word
			# What is no object of weirctl's may be an extension: the verb is a call.
			if ! _weirctl_command "$object" "$verb" && [[ -z $(_weirctl_verbs "$object") ]]; then
				_weirctl_command EXTENSION ''
				kinds=("${kinds[@]:1}")
			fi
		else
			arguments+=("$word")
		fi
	done
	if [[ -n $only_words ]]; then
		options=
	fi
}

# The kind of the argument at the cursor.
_weirctl_argument_kind()
{
	local i=${#arguments[@]} n=${#kinds[@]}
	if ((i >= n && n > 0)) && [[ ${kinds[n - 1]} == *+ ]]; then
		i=$((n - 1))
	fi
	printf '%s' "${kinds[i]%+}"
}

_weirctl()
{
	local current object='' verb='' pending='' kind word prefix
	local -a words=() arguments=() socket=() kinds=()
	local options=$_weirctl_options values=$_weirctl_values candidates=''
	_weirctl_join
	current=${words[-1]}
	COMPREPLY=()
	_weirctl_parse
	kind=$pending
	if [[ -z $pending && $current == -* && -n $options ]]; then
		candidates=$options
	elif [[ -z $pending && -z $object ]]; then
		candidates="$_weirctl_objects $(_weirctl_names callable)"
	elif [[ -z $pending && -z $verb ]]; then
		candidates=$(_weirctl_verbs "$object")
		candidates=${candidates:-$(_weirctl_names call "$object")}
	else
		kind=${kind:-$(_weirctl_argument_kind)}
		if [[ $kind == file ]]; then
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
			return
		fi
		candidates=$(_weirctl_words "${kind:--}")
	fi
	if [[ $candidates == *'=<file>'* ]]; then
		# A field that is a file.
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -P "${current%%=*}=" -- "${current#*=}")
	else
		mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
	fi
	for word in "${COMPREPLY[@]}"; do
		if [[ $word == *[=:] ]]; then
			compopt -o nospace 2>/dev/null
		fi
	done
	# What readline has split off already must not come again.
	prefix=${current%"${current##*[:=]}"}
	if [[ -n $prefix && $COMP_WORDBREAKS == *"${prefix: -1}"* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
	fi
}

complete -F _weirctl weirctl
