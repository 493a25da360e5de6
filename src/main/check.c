/* SPDX-License-Identifier: Apache-2.0 */
/* sluice check: is this configuration good? sluice manual: what may stand in one. */

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "conf/env.h"
#include "conf/manual.h"
#include "json/write.h"
#include "main/commands.h"
#include "main/prices.h"
#include "main/settings.h"

enum { OUTPUT_MAX = 4 << 20 };

struct check_options {
	const char *file;
	bool json;
};

/* Collects what config_unsupported says, for both forms of output. */
struct warnings {
	struct json_writer *json; /* NULL: lines on stderr */
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "sluice check: %s%s%s; try: sluice help check\n", what, value ? ": " : "", value ? value : "");
	return EXIT_USAGE;
}

static int read_options(int argc, char **argv, struct check_options *out)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			out->json = true;
		} else if (strcmp(argv[i], "-c") == 0) {
			if (i + 1 == argc)
				return usage("-c needs a file", NULL);
			out->file = argv[++i];
		} else {
			return usage("unknown argument", argv[i]);
		}
	}
	return EXIT_GOOD;
}

static int print(struct buf *out)
{
	if (!out->failed && fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0)
		return EXIT_GOOD;
	perror("sluice: stdout");
	return EXIT_WRONG;
}

static void on_unsupported(void *arg, enum setting_support support, const char *message)
{
	struct warnings *w = arg;
	if (!w->json) {
		fprintf(stderr, "%s: %s\n", "warning", message);
		return;
	}
	json_open(w->json, '{');
	json_key_lit(w->json, "message");
	json_str(w->json, str_from_z(message));
	json_key_lit(w->json, "refused_by_serve");
	json_bool(w->json, support == SETTING_REFUSED);
	json_close(w->json);
}

static void write_problems(struct json_writer *w, const struct conf_problems *problems)
{
	json_open(w, '[');
	for (size_t i = 0; i < problems->n; i++) {
		json_open(w, '{');
		json_key_lit(w, "line");
		json_u64(w, problems->places[i].line);
		json_key_lit(w, "column");
		json_u64(w, problems->places[i].column);
		json_key_lit(w, "message");
		json_str(w, str_from_z(problems->items[i].text));
		json_close(w);
	}
	json_close(w);
}

static void report_json(const struct config *conf, const struct conf_problems *problems, struct buf *out)
{
	struct json_writer w = json_writer_make(out);
	struct warnings warnings = { &w };
	json_open(&w, '{');
	json_key_lit(&w, "valid");
	json_bool(&w, conf != NULL);
	json_key_lit(&w, "problems");
	write_problems(&w, problems);
	json_key_lit(&w, "problems_left_out");
	json_u64(&w, problems->left_out);
	json_key_lit(&w, "warnings");
	json_open(&w, '[');
	if (conf)
		config_unsupported(conf, on_unsupported, &warnings);
	json_close(&w);
	json_close(&w);
	buf_append_c(out, '\n');
}

static void report_text(const char *file, const struct config *conf, const struct conf_problems *problems,
                        struct buf *out)
{
	for (size_t i = 0; i < problems->n; i++)
		fprintf(stderr, "%s\n", problems->items[i].text);
	if (problems->left_out > 0)
		fprintf(stderr, "%s: and %zu more\n", file, problems->left_out);
	if (!conf)
		return;
	config_unsupported(conf, on_unsupported, &(struct warnings){ NULL });
	buf_printf(out, "%s: good; %zu providers, %zu models, %zu keys\n", file, conf->providers.n, conf->models.n,
	           conf->keys.n);
}

/* As config_load, and what only the catalogue's file can be wrong in. */
static struct config *load(const char *file, struct conf_problems *problems)
{
	struct config *conf = config_load(file, &conf_env_process, problems);
	struct err e;

	if (!conf || prices_load(conf, false, &e))
		return conf;
	config_free(conf);
	*problems = (struct conf_problems){ .n = 1 };
	err_set(&problems->items[0], ERR_CONFIG, "%s: %s", file ? file : "(environment)", e.text);
	return NULL;
}

int command_check(int argc, char **argv)
{
	struct check_options options = { 0 };
	int status = read_options(argc, argv, &options);
	if (status != EXIT_GOOD)
		return status;
	if (!options.file)
		options.file = config_find();
	struct conf_problems problems;
	struct config *conf = load(options.file, &problems);
	struct buf out = buf_make(OUTPUT_MAX);
	if (options.json)
		report_json(conf, &problems, &out);
	else
		report_text(options.file ? options.file : "(environment)", conf, &problems, &out);
	status = print(&out);
	if (!conf)
		status = EXIT_WRONG;
	buf_fini(&out);
	config_free(conf);
	return status;
}

static const char manual_head[] =
	"# Configuration\n"
	"\n"
	"This page is generated from the tables that the program reads configurations by: `sluice manual`, or\n"
	"`make docs`.\n"
	"\n"
	"The configuration is one YAML file: the one named with `-c`, else `./sluice.yaml`, else\n"
	"`/etc/sluice/sluice.yaml`. With none of them, every known provider whose well-known variable is set\n"
	"(`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, `GEMINI_API_KEY`, `MISTRAL_API_KEY` …) is enabled, and\n"
	"models are called `PROVIDER/MODEL`. `sluice check -c FILE` says what is wrong in a file, where, and\n"
	"what is allowed.\n"
	"\n"
	"* **Variables**: `${VAR}` and `${VAR:-default}` are replaced anywhere in a value; the default also\n"
	"  stands in for an empty variable. A variable that is not set and has no default is an error. `$${`\n"
	"  is a literal `${`.\n"
	"* **Secrets** may be `file:PATH`: the text of the file without the line end behind it. They are\n"
	"  never shown in a message, a log or an answer.\n"
	"* **Relative paths** start at the working directory.\n"
	"* **Durations** have a unit: `500ms 5s 10m 24h 30d`. **Sizes**: `512 64KiB 32MiB 1GiB`. **Money** is\n"
	"  in US dollars, **prices** are in US dollars per million tokens; both are read exactly.\n"
	"* **Lists** of texts or words may be a single value. YAML anchors, aliases and merge keys (`<<`) may\n"
	"  be used.\n"
	"* What is left out has its default; without a default it is off. Unknown and repeated names are\n"
	"  errors.\n"
	"* **Takes effect**: `reload` is SIGHUP or `POST /admin/reload`, while requests go on; an invalid\n"
	"  file is refused and the old one stays. `restart`: at the next start.\n";

int command_manual(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, "sluice manual: unexpected argument: %s; try: sluice help manual\n", argv[1]);
		return EXIT_USAGE;
	}
	struct buf out = buf_make(OUTPUT_MAX);
	buf_append(&out, str_from_z(manual_head));
	conf_manual(&config_settings, &out);
	int status = print(&out);
	buf_fini(&out);
	return status;
}
