/* SPDX-License-Identifier: Apache-2.0 */
/* sluice demo: the gateway in front of a provider of its own, with keys that are known, and what to paste to try it. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/rand.h"
#include "main/commands.h"
#include "main/demo_provider.h"
#include "main/serve.h"
#include "net/addr.h"

#define LISTEN       "127.0.0.1:8080"
#define CONFIG_MAX   ((size_t)64 << 10)
#define SECRET_BYTES 16

struct demo {
	const char *listen, *data_dir; /* as asked for; data_dir NULL: a temporary one */
	char key[64], admin_key[64], provider_key[64], hidden_admin_key[64];
	char made_dir[256]; /* the temporary one; empty: none */
	struct demo_provider *provider;
};

static void make_secret(char out[64], const char *prefix)
{
	uint8_t bytes[SECRET_BYTES];
	struct buf b = buf_make(63);

	rand_secret(bytes, sizeof(bytes));
	buf_append(&b, str_from_z(prefix));
	buf_append_hex(&b, str_of((const char *)bytes, sizeof(bytes)));
	assert(!b.failed);
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
	buf_fini(&b);
}

/* ---- the configuration ---- */

static void append_providers(struct buf *out, const struct demo *d)
{
	/* one like OpenAI speaks all of its APIs, so that each client meets its own */
	static const struct {
		const char *name, *kind, *path;
	} rows[] = {
		{ "openai-demo", "like: openai", "/v1" },
		{ "anthropic-demo", "dialect: anthropic", "" },
		{ "gemini-demo", "dialect: gemini", "" },
	};

	buf_printf(out, "providers:\n");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		buf_printf(out, "  %s: {%s, base_url: \"http://127.0.0.1:%u%s\", api_key: \"%s\"}\n", rows[i].name,
		           rows[i].kind, demo_provider_port(d->provider), rows[i].path, d->provider_key);
}

/* A model of its name, and a pattern for the names that hold orders to the provider (docs/demo.md). */
static void append_models(struct buf *out)
{
	static const struct {
		const char *name, *upstream, *provider, *price;
	} rows[] = {
		{ "demo", "demo-1", "openai-demo", "{input: 2.50, output: 10}" },
		{ "demo-embed", "demo-embed-1", "openai-demo", "{input: 0.02}" },
		{ "claude-demo", "claude-demo-1", "anthropic-demo", "{input: 3, output: 15}" },
		{ "gemini-demo", "gemini-demo-1", "gemini-demo", "{input: 0.30, output: 2.50}" },
		{ "demo-*", "demo-*", "openai-demo", "{input: 2.50, output: 10}" },
		{ "claude-demo-*", "claude-demo-*", "anthropic-demo", "{input: 3, output: 15}" },
		{ "gemini-demo-*", "gemini-demo-*", "gemini-demo", "{input: 0.30, output: 2.50}" },
	};

	buf_printf(out, "models:\n");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		buf_printf(out, "  - {name: \"%s\", deployments: [{provider: %s, model: \"%s\", price: %s}]}\n",
		           rows[i].name, rows[i].provider, rows[i].upstream, rows[i].price);
}

/* Errors are asked for here, so none puts a deployment away, and they are told soon. */
static void append_config(struct buf *out, const struct demo *d)
{
	buf_printf(out, "admin: {key: \"%s\"}\n", d->hidden_admin_key);
	buf_printf(out, "keys:\n  - {name: demo, key: \"%s\"}\n  - {name: demo-admin, key: \"%s\", role: admin}\n",
	           d->key, d->admin_key);
	buf_printf(out, "routing:\n"
	                "  retries: {attempts: 1, base: 50ms, respect_retry_after: 1s}\n"
	                "  cooldown: {failure_ratio: 1, min_requests: 1000000, on_429: false}\n"
	                "  breaker: {consecutive_failures: 1000000}\n");
	append_providers(out, d);
	append_models(out);
}

/* ---- what to paste ---- */

static void print_chat(const struct demo *d, const char *address, const char *curl, const char *more, const char *text)
{
	printf("%s http://%s/v1/chat/completions -H 'authorization: Bearer %s' -H 'content-type: application/json'"
	       " -d '{\"model\": \"demo\", %s\"messages\": [{\"role\": \"user\", \"content\": \"%s\"}]}' -w '\\n'\n",
	       curl, address, d->key, more, text);
}

static void print_welcome(void *arg, const char *address)
{
	const struct demo *d = arg;
	const char *program = program_invocation_name;

	printf("\nSluice demo: gateway at http://%s, with a provider of its own: nothing leaves this machine.\n"
	       "Stop it with Ctrl-C. Paste into another terminal:\n",
	       address);
	printf("\n1. a chat\n");
	print_chat(d, address, "curl -s", "", "Hello, who is there?");
	printf("\n2. a stream\n");
	print_chat(d, address, "curl -sN", "\"stream\": true, ", "Hello again");
	printf("\n3. what both cost\n"
	       "%s spend --by model --url http://%s --admin-key %s\n",
	       program, address, d->admin_key);
	printf("\nSDKs find it by their variables (models: demo, demo-embed; claude-demo; gemini-demo):\n"
	       "  OpenAI     OPENAI_BASE_URL=http://%s/v1 OPENAI_API_KEY=%s\n"
	       "  Anthropic  ANTHROPIC_BASE_URL=http://%s ANTHROPIC_API_KEY=%s\n"
	       "  Gemini     GOOGLE_GEMINI_BASE_URL=http://%s GEMINI_API_KEY=%s\n\n"
	       "More: docs/demo.md (tool calls, errors and delays on demand); %s help\n\n",
	       address, d->key, address, d->key, address, d->key, program);
	fflush(stdout);
}

/* ---- the folder ---- */

static bool make_dir(struct demo *d, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(d->made_dir, sizeof(d->made_dir), "%s/sluice-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	if (n < 0 || (size_t)n >= sizeof(d->made_dir) || !mkdtemp(d->made_dir)) {
		int sys = errno;
		d->made_dir[0] = '\0';
		return err_set_sys(e, sys, "cannot make a folder in %s", tmp && *tmp ? tmp : "/tmp");
	}
	d->data_dir = d->made_dir;
	return true;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void remove_dir(struct demo *d)
{
	if (d->made_dir[0] && nftw(d->made_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		log_warn("demo", "could not remove all of %s", d->made_dir);
}

/* ---- the command ---- */

/*
 * The gateway's sockets may share a port with those of another one (SO_REUSEPORT), and the kernel would deal the
 * connections out to both. So a socket that does not share looks first whether the port is free.
 */
static bool port_is_free(const struct addr *a, struct err *e)
{
	char text[ADDR_TEXT_MAX];
	int one = 1, failed, fd = socket(addr_family(a), SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (addr_family(a) == AF_UNIX || fd < 0) {
		if (fd >= 0)
			close(fd);
		return true; /* whoever binds it will tell */
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	failed = bind(fd, &a->u.sa, a->len) < 0 || listen(fd, 1) < 0 ? errno : 0;
	close(fd);
	if (!failed)
		return true;
	addr_text(a, text);
	if (failed == EADDRINUSE)
		return err_set(e, ERR_SYSTEM,
		               "%s is taken by another program; choose another port: sluice demo --listen "
		               "127.0.0.1:8081 (port 0: any that is free)",
		               text);
	return err_set_sys(e, failed, "cannot listen on %s", text);
}

/* The keys are known to everybody who has read this, which is fine as long as nobody else can reach the port. */
static void make_keys(struct demo *d, const struct addr *a)
{
	bool local = addr_family(a) == AF_UNIX || addr_is_loopback(a);

	if (local) {
		snprintf(d->key, sizeof(d->key), "sk-sl-demo");
		snprintf(d->admin_key, sizeof(d->admin_key), "sk-sl-demo-admin");
	} else {
		make_secret(d->key, "sk-sl-demo-");
		make_secret(d->admin_key, "sk-sl-demo-admin-");
	}
	make_secret(d->hidden_admin_key, "sk-sl-admin-");
	make_secret(d->provider_key, "demo-provider-");
}

static int run(struct demo *d, struct err *e)
{
	struct buf config = buf_make(CONFIG_MAX);
	int code = EXIT_WRONG;

	append_config(&config, d);
	buf_append_c(&config, '\0');
	assert(!config.failed);
	code = serve_run(&(struct serve_options){
		.text = config.p, .listen = d->listen, .data_dir = d->data_dir, .on_ready = print_welcome, .arg = d });
	e->text[0] = '\0'; /* it has told what was wrong */
	buf_fini(&config);
	return code;
}

static int start(struct demo *d, struct err *e)
{
	struct addr at;
	int code = EXIT_WRONG;

	if (!addr_parse(&at, str_from_z(d->listen), e)) {
		err_prefix(e, "--listen");
		return EXIT_USAGE;
	}
	if (!port_is_free(&at, e))
		return EXIT_WRONG;
	make_keys(d, &at);
	d->provider = demo_provider_start(&(struct demo_provider_options){ .key = str_from_z(d->provider_key),
	                                                                   .client_prefix = STR("sk-sl-") },
	                                  e);
	if (d->provider && (d->data_dir || make_dir(d, e)))
		code = run(d, e);
	demo_provider_stop(d->provider);
	remove_dir(d);
	return code;
}

int command_demo(int argc, char **argv)
{
	struct demo d = { .listen = LISTEN };
	struct err e = { 0 };
	int code;

	for (int i = 1; i < argc; i++) {
		const char **to = str_eq(str_from_z(argv[i]), STR("--listen"))     ? &d.listen
		                  : str_eq(str_from_z(argv[i]), STR("--data-dir")) ? &d.data_dir
		                                                                   : NULL;

		if (!to || i + 1 == argc) {
			fprintf(stderr,
			        to ? "sluice: %s needs a value; try: sluice help demo\n"
			           : "sluice: unexpected argument: %s; try: sluice help demo\n",
			        argv[i]);
			return EXIT_USAGE;
		}
		*to = argv[++i];
	}
	code = start(&d, &e);
	if (e.text[0])
		fprintf(stderr, "sluice: %s\n", e.text);
	return code;
}
