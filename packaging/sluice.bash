# bash completion of sluice(1)
_sluice() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words=
	local gateway='--url --admin-key --ca -c --json'
	local filters='--since --until --key --model --provider --limit'

	case $prev in
	-c | --ca | --body)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--data-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--by) words='key model provider day total' ;;
	--dialect) words='openai-chat openai-responses openai-completions openai-embeddings anthropic gemini bedrock cohere ollama' ;;
	--role) words='user admin' ;;
	--listen | --url | --admin-key | --name | --models | --team | --user | --tags | --expires | --since | --until | --key | \
		--model | --provider | --limit | --header | -n)
		return
		;;
	*)
		if [ "$COMP_CWORD" -eq 1 ]; then
			words='serve check demo key spend logs models providers tokens route-test manual version help --version --help -c --listen --data-dir'
		else
			case $command in
			serve | -*) words='-c --listen --data-dir' ;;
			check | models) words='-c --json' ;;
			demo) words='--listen --data-dir' ;;
			providers) words='--json' ;;
			tokens) words="--model $gateway" ;;
			route-test) words='-c --model --body --dialect --key --header -n --json' ;;
			help) words='serve check demo key spend logs models providers tokens route-test manual version help' ;;
			spend) words="--by $filters $gateway" ;;
			logs) words="-f $filters $gateway" ;;
			key)
				case ${COMP_WORDS[2]} in
				create) words="--name --models --team --user --tags --role --expires $gateway" ;;
				list) words="--all --team --user $gateway" ;;
				revoke | rotate) words=$gateway ;;
				esac
				[ "$COMP_CWORD" -eq 2 ] && words='create list revoke rotate'
				;;
			esac
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _sluice sluice
