/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: finds the command and runs it. Results go to stdout, messages to stderr. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "main/commands.h"

static int run_version(int argc, char **argv);
static int run_help(int argc, char **argv);

#define GATEWAY_OPTIONS \
	"\n      also: [--url URL] [--admin-key KEY] [--ca FILE] [-c FILE] [--json]; SLUICE_URL, SLUICE_ADMIN_KEY"

/* argv[0] is the command's own name. */
static const struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "serve", "[-c FILE] [--listen HOST:PORT] [--data-dir DIR]", "run the gateway (the default command)",
	  command_serve },
	{ "demo", "[--listen HOST:PORT] [--data-dir DIR]",
	  "the gateway with a built-in provider and a demo key: no credential, no network", command_demo },
	{ "check", "[-c FILE] [--json]", "validate a configuration: FILE:LINE:COL: what is wrong, what is allowed",
	  command_check },
	{ "key",
	  "create --name NAME [--models A,B] [--team T] [--user U] [--tags A,B] [--role user|admin]\n"
	  "                  [--expires 30d|DATE] [--weight N] [--priority 0|1|2]\n"
	  "  sluice key list [--all] [--team T] [--user U]\n"
	  "  sluice key revoke ID... | rotate ID",
	  "make, list, revoke and rotate virtual keys of a running gateway" GATEWAY_OPTIONS, command_key },
	{ "spend",
	  "[--by key|model|provider|day] [--since 24h|DATE] [--until DATE] [--key ID] [--model M] [--provider P]\n"
	  "             [--limit N]",
	  "what was spent" GATEWAY_OPTIONS, command_spend },
	{ "logs", "[-f] [--limit N] [--since 24h|DATE] [--until DATE] [--key ID] [--model M] [--provider P]",
	  "the last requests; -f: and those that come" GATEWAY_OPTIONS, command_logs },
	{ "models", "[NAME | PROVIDER] [-c FILE] [--json]",
	  "the configured models with prices and limits; one of them; or what the catalogue has of a provider",
	  command_models },
	{ "providers", "[--json] [--markdown]", "the providers this program knows, and the variables of their keys",
	  command_providers },
	{ "tokens", "[--json] | --model MODEL [FILE]",
	  "how a running gateway counts tokens, and how well; or the tokens of a text for a model" GATEWAY_OPTIONS,
	  command_tokens },
	{ "route-test",
	  "[-c FILE] [--model M] [--body FILE] [--dialect D] [--key NAME] [--header 'NAME: VALUE']... [-n N] [--json]",
	  "in which order a request's deployments would be tried, and why; -n: who is first in N draws",
	  command_route_test },
	{ "manual", "", "print the reference of all settings, as Markdown", command_manual },
	{ "version", "", "print the version", run_version },
	{ "help", "[COMMAND]", "explain the commands", run_help },
};

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (str_eq(str_from_z(name), str_from_z(commands[i].name)))
			return &commands[i];
	return NULL;
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "sluice: %s%s%s; try: sluice help\n", what, value ? ": " : "", value ? value : "");
	return EXIT_USAGE;
}

static void print_command(const struct command *c)
{
	printf("  sluice %s%s%s\n      %s\n", c->name, c->args[0] ? " " : "", c->args, c->help);
}

/* A result that did not reach its reader is no good result. */
static int printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_GOOD;
	perror("sluice: stdout");
	return EXIT_WRONG;
}

static int run_version(int argc, char **argv)
{
	if (argc > 1)
		return usage_error("unexpected argument", argv[1]);
	printf("sluice %s\n", SLUICE_VERSION);
	return printed();
}

static int run_help(int argc, char **argv)
{
	const struct command *c = argc > 1 ? command_find(argv[1]) : NULL;

	if (argc > 2)
		return usage_error("unexpected argument", argv[2]);
	if (argc > 1 && !c)
		return usage_error("unknown command", argv[1]);
	if (c) {
		print_command(c);
		return printed();
	}
	printf("sluice: a gateway to language models\n\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		print_command(&commands[i]);
	return printed();
}

int main(int argc, char **argv)
{
	const struct command *c;

	mem_setup();
	/* serve is the default: `sluice -c FILE` */
	if (argc < 2 || (argv[1][0] == '-' && !str_starts(str_from_z(argv[1]), STR("--version")) &&
	                 !str_starts(str_from_z(argv[1]), STR("--help"))))
		return command_serve(argc, argv);
	if (str_eq(str_from_z(argv[1]), STR("--version")))
		return run_version(argc - 1, argv + 1);
	if (str_eq(str_from_z(argv[1]), STR("--help")))
		return run_help(argc - 1, argv + 1);
	c = command_find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : usage_error("unknown command", argv[1]);
}
