/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: what the commands share that talk to a running gateway: options, where the gateway is and with which key, calls
 * with their errors told, and tables for people.
 */
#ifndef SLUICE_MAIN_CLI_H
#define SLUICE_MAIN_CLI_H

#include "base/arena.h"
#include "json/tree.h"
#include "main/api_client.h"

/* "--name VALUE" or "--name=VALUE" if `value` is set, else "--name" alone. */
struct cli_option {
	const char *name;
	const char **value;
	bool *flag;
};

#define CLI_ARGS_MAX 64

/* A command's run. */
struct cli {
	const char *command;                 /* for messages: "key create" */
	const char *url, *admin_key, *ca, *file;
	bool json;
	const char *args[CLI_ARGS_MAX];      /* what is no option */
	int n_args;
	struct arena arena;
	struct api api;
};

/* Reads argv[1 …]: the options given and the common ones (--url, --admin-key, --ca, -c, --json). False: a message was
 * printed, the exit code is EXIT_USAGE. cli_end in any case. */
MUST_USE bool cli_begin(struct cli *, const char *command, int argc, char **argv, const struct cli_option *, size_t n);
void cli_end(struct cli *);
int cli_usage(const struct cli *, const char *what, const char *value);  /* prints; EXIT_USAGE */

/* Finds the gateway and its admin key: options, then SLUICE_URL and SLUICE_ADMIN_KEY, then the configuration and its
 * data directory. False: a message was printed. */
MUST_USE bool cli_connect(struct cli *);

/* A call whose good answer (2xx) is JSON, or nothing (204: NULL in *out). False: a message was printed; the exit code
 * is EXIT_WRONG. `text` (may be NULL) is the answer as it came; all lives in the arena. */
MUST_USE bool cli_call(struct cli *, const char *method, struct str path, struct str body, yyjson_val **out,
                       struct str *text);

/* Appends "?name=value" or "&name=value", percent-encoded, to a path. Nothing if value is NULL. */
void cli_add_query(struct buf *path, const char *name, const char *value);

/* Members as texts: numbers as they are, null and absent "", arrays joined by commas. In the arena. */
struct str cli_text(struct cli *, yyjson_val *obj, const char *member);

/*
 * A table on stdout: columns as wide as their widest cell, control characters shown as '?', so that no name can drive
 * the terminal.
 */
enum { CLI_COLUMNS_MAX = 16 };
struct cli_table {
	struct arena *arena;
	unsigned columns, right;             /* bit: column is flushed right */
	struct str *cells;
	size_t n, cap;
};
void cli_table_init(struct cli_table *, struct arena *, const char *const *heads, unsigned columns, unsigned right);
void cli_table_add(struct cli_table *, struct str cell);
void cli_table_print(const struct cli_table *);

/* One value on one line of stdout. */
void cli_print_json(yyjson_val *);

/* stdout is written out; EXIT_GOOD, or EXIT_WRONG when that failed. */
int cli_printed(void);

#endif
