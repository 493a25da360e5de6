/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_in: the request and the worker as this room's files see them.
 *
 * A request has two parts. `struct req` lasts until the last byte was sent; an open stream is mostly this, so it is
 * small. `struct req_open` holds what is needed until the answer begins (body, plan, texts, the arena) and is given
 * back then.
 */
#ifndef SLUICE_GATEWAY_GATEWAY_IN_H
#define SLUICE_GATEWAY_GATEWAY_IN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/slab.h"
#include "conf/snapshot.h"
#include "dialect/error.h"
#include "dialect/responses.h"
#include "dialect/stream.h"
#include "gateway/endpoints.h"
#include "gateway/gateway.h"
#include "gateway/responses_state.h"
#include "gateway/recall.h"
#include "gateway/translation.h"
#include "net/client.h"
#include "net/exchange.h"
#include "net/sse.h"
#include "route/plan.h"

struct carry;
struct dns;
struct fetch;
struct fetcher;
struct hedge;
struct media_kept;
struct journal;
struct key;
struct credential_value;
struct envelope_stream;
struct embed_work;
struct rerank_work;
struct keys_reader;
struct observe_loop;
struct queue_wait;

enum step {
	STEP_AUTH, STEP_BODY, STEP_SERVE, STEP_DECODE, STEP_PLAN, STEP_QUEUE, STEP_ATTEMPT, STEP_BACKOFF, STEP_RELAY,
	STEP_REFUSE, STEP_SETTLE, STEP_RECORD, STEP_DONE,
	STEPS, STEP_WAIT = STEPS
};

/* The steps that wait, of which the time is written down. */
enum req_wait { WAIT_BODY, WAIT_SERVE, WAIT_QUEUE, WAIT_ATTEMPT, WAIT_BACKOFF, WAIT_RELAY, REQ_WAITS };
extern const char *const wait_names[REQ_WAITS];

/* Texts that are written down at the end. */
enum req_text { TEXT_MODEL, TEXT_UPSTREAM_MODEL, TEXT_CLIENT_ID, TEXT_USER, TEXT_TAGS, TEXT_PLAN, REQ_TEXTS };

/* What an upstream call was in a race of two (gateway/hedge.h). */
enum attempt_hedge {
	HEDGE_NONE,
	HEDGE_RUNS,                      /* the second, under way */
	HEDGE_WON, HEDGE_LOST, HEDGE_FAILED,     /* the second */
	HEDGE_OVERTAKEN,                 /* the first, by the second */
};

/* One upstream call, as remembered. */
struct req_attempt {
	const struct deployment *deployment;
	uint32_t took_us;
	uint16_t status : 15;            /* 0: no answer */
	uint16_t continued : 1;          /* its stream was cut, and another call went on with it (carry.h) */
	uint16_t error : 7;              /* enum err_code */
	uint16_t billed : 1;             /* it failed, and its provider charges for what it had begun, by its custom */
	uint16_t class : 3;              /* enum failure_class */
	uint16_t own_key : 1;            /* with the request's own credential */
	uint16_t hedge : 4;              /* enum attempt_hedge */
};
_Static_assert(sizeof(struct req_attempt) == 16, "part of the memory of every open stream");
_Static_assert((int)ERR_CODES <= 128 && (int)FAILURES <= 8, "they fit into their bits");
#define REQ_ATTEMPTS_MAX 64
#define CLIENT_TEXT_MAX 128              /* of an id, a user, tags */

/* What has become of the upstream call. */
enum attempt_state {
	ATTEMPT_NONE,
	ATTEMPT_CREDENTIAL,              /* waits for what it is to be signed with; asked again, it goes on */
	ATTEMPT_WAITING,                 /* for the answer, or for a stream's first event */
	ATTEMPT_STARTED,                 /* a stream's first meaningful event is here */
	ATTEMPT_WHOLE,                   /* an answer is here, whole */
	ATTEMPT_FAILED,                  /* open->failure tells */
};

/* Deadlines that a client may shorten. */
enum hurry { HURRY_CONNECT = 1, HURRY_ANSWER = 2 /* first byte, idle */, HURRY_TOTAL = 4 };

#define RESPONSE_FIELDS_MAX 64
#define RESPONSE_FIELDS_OWN 12           /* of them the gateway's */

/* Images that are fetched for the candidate under way (media.c). */
struct req_media {
	struct media_kept *kept;         /* those that came; arena */
	struct jstr url;                 /* of the one on its way */
	size_t bytes;                    /* of all of them, in base64 */
	uint16_t n;
	bool failed;                     /* err tells */
	bool waits;                      /* the request was read, and goes on when the fetch is done */
};

/* When a second candidate is started (hedge.c). */
struct hedge_timer {
	struct timer due;
	struct req *of;                  /* whose it is */
	uint16_t attempt;                /* beside which attempt */
};

struct req_open {
	struct arena arena;
	struct req_open *next;           /* in the worker's store */

	/* the head */
	const struct http_head *head;    /* only while on_head is being called */
	struct dialect_in in;
	struct str forward;              /* the client's fields that go upstream, as lines with their CR LF */
	bool has_anthropic_version, has_content_type;
	bool pass;                       /* to the provider as it is: rq.tail is the path, `method` the method */
	uint32_t timeout_ms;             /* x-sluice-timeout; 0: none */
	struct str method;               /* empty: POST */
	struct str provider;             /* x-sluice-provider */
	struct str session;              /* x-sluice-session */
	struct str hash_by;              /* x-sluice-hash */
	struct wish_field *wish_fields;  /* the last first; NULL: none */
	struct str text[REQ_TEXTS];

	/* what it wishes (ask.c, overrides.c) */
	const struct route_wishes *wishes; /* NULL: none */
	const struct dialect_request *as_asked; /* rq as the client sent it, once a target has changed it */
	const struct wish_target *body_for; /* the target that rq is of */

	/* its way to a candidate */
	uint64_t conversation;           /* that the request is a part of (affinity.c); 0: not known, or not asked */
	struct queue_wait *queued;       /* in line for room (queue.c); NULL: not */
	const struct route_model *told;  /* the group that TEXT_PLAN ends with; NULL: it is empty */
	const struct wish_target *told_target;
	struct hedge_timer hedge_timer;

	/* the attempt under way */
	const struct route_credential *credential;
	const struct credential_value *secret;   /* what it is signed with; counted */
	struct str own_key;              /* the request's own credential; empty: ours */
	struct str dropped;              /* names of what the target's dialect has no word for */
	struct embed_work *embed;        /* vectors that are asked for in another dialect, in parts; arena */
	struct rerank_work *rerank;      /* documents that are put in order in another dialect; arena */
	struct req_media media;
	struct carry *carry;             /* of a stream that was cut; arena */
	bool carries;                    /* a stream that is cut goes on elsewhere (carry.h) */
	bool own_state;                  /* it names an answer that is kept here, or holds a token in our envelope: it
	                                  * is translated in any case */
	bool only_to_carry;              /* own_state is set for nothing else */

	/* how the attempts before it have failed */
	bool failure_is_answer;          /* the provider's own words go to the client */
	bool waited;                     /* the back-off is over */
	bool has_failed;                 /* `failed` is how the last attempt ended; else none was made */
	bool our_limit;                  /* the attempt failed because the answer is larger than we take */
	bool other_key;                  /* the last failure was one of several keys': the others are to be tried */
	uint8_t failures;                /* a bit for each enum failure_class that was seen */
	uint32_t wait_ms;
	int64_t retry_after_ms;

	/* the answer, before its first byte leaves */
	int status;
	unsigned n_fields;
	struct str id_text;              /* the request's id, once it was written for the answer */
	struct op op;                    /* SERVE; a credential */
	struct service_call service;
	struct fetch *fetch;             /* on its way: an image, or an answer by its id */
	bool fetched;                    /* Responses by id: the provider has answered */

	/* What follows is not zeroed for a new request, but set before it is read. The buffers keep a little memory. */
	struct dialect_request rq;
	struct plan plan;
	struct candidate candidate;
	struct chat_request *chat;       /* translated: the request as the neutral model has it, and on its wire */
	struct chat_wire *wire;
	struct responses_look look;      /* of a request in the Responses API */
	struct call_request request;
	struct err err;                  /* why it is refused */
	struct dialect_error failure;    /* of the last attempt */
	struct plan_failed failed;
	int64_t soonest_ms;              /* the shortest Retry-After of all attempts; -1: there was none */
	struct http_field fields[RESPONSE_FIELDS_MAX];
	struct buf body;                 /* the client's */
	struct buf answer;               /* body, or a stream's bytes before its first event */
};

struct req {
	struct exchange *x;              /* NULL: the client is gone, or has all, or it is another's (hedge.h) */
	struct worker *w;
	struct req *next, **link;        /* all of the worker's */
	struct task wake;
	struct timer limit;
	struct req_open *open;           /* NULL once a stream runs, but for those that may go on elsewhere */
	char *texts;                     /* open->text, packed, once it is NULL */

	const struct endpoint *endpoint;
	struct snapshot *snapshot;
	struct key *key;
	struct ulid id;
	uint64_t start_us, since_us;     /* monotonic: first byte, start of the wait under way */
	uint64_t bytes_out;
	uint64_t deadline_ms;            /* of a stream: its total time; `limit` also serves its signs of life */
	uint64_t silent_at;              /* bytes_out when it was looked at last */
	uint32_t bytes_in;
	uint32_t wait_us[REQ_WAITS];     /* time spent in the steps that wait; the others take none of a turn's time */
	uint32_t first_byte_us, overhead_us;
	uint32_t attempt_at_us;          /* since start_us */
	uint32_t texts_counted, around_counted; /* tokens (model/count.h); 0: this request is no sample */

	int64_t cost_nusd;               /* until it is settled: of refusals on content policy */
	struct req_attempt attempt;      /* the last one; no deployment: none was made */
	struct req_attempt *attempts;    /* those before it, if any */
	struct health_use use;           /* what the call under way, or the answer, holds of its deployment */
	uint16_t n_attempts;
	uint16_t status, error;          /* error: enum err_code */
	uint8_t step, attempt_state, method;
	bool gone;                       /* the client went away */
	bool probe;                      /* of gateway/probe.h: there is no client */
	bool expired;                    /* the step's time is over */
	uint8_t hurries;                 /* enum hurry: which deadlines of the attempt the client has made shorter */
	bool hurried;                    /* and one of those has ended it */
	bool body_whole, body_failed;
	bool want_stream;
	bool relaying;                   /* the client has the head of a stream */
	bool relay_ended;                /* the stream's last event is in `held` */
	bool raw;                        /* the answer's bytes are relayed as they are: no events */
	bool raw_cut;                    /* and they ended too early: so does the client's */
	bool relay_over;                 /* and nothing more is awaited from the provider */
	bool consumed;                   /* a provider gave an answer that costs */
	bool may_be_billed;              /* one began an answer that did not come to be one */
	bool cost_known;
	bool recorded;                   /* waits for the journal, in worker->deliver */
	bool delivered;                  /* and has left that list */
	bool keeps_answer;               /* Responses: it may be asked for by its id */
	bool answer_is_ours;             /* a translated one */
	bool unwritten;                  /* the journal did not take the record */
	bool texts_small;                /* `texts` is of worker->texts_slab */
	bool has_media;                  /* of a stream: its request's bytes are not all text */

	/* a stream in flight */
	bool is_array;
	struct sse_framer framer;
	union {
		struct array_framer *array; /* Gemini's other framing */
		struct eventstream_framer *messages; /* Bedrock's */
		char *resume;            /* what the meter keeps, on the heap (Responses) */
	};
	struct envelope_stream *unwrap;  /* NULL: the provider's bytes are the dialect's own */
	struct translation *translation; /* NULL: the provider's bytes pass */
	struct recall *recall;           /* with it */
	char *held;                      /* a partial event; at the end, the last bytes until the journal is written */
	uint32_t held_n, held_cap;

	struct hedge *hedge;             /* a race of two that is or was run; NULL: none */
	struct call call;
	struct stream_meter meter;       /* its usage is the answer's, streamed or not */
	struct req *deliver_next;        /* waits for the journal */
};
_Static_assert(sizeof(struct req) <= 512, "every open stream has one");
#define TEXTS_SMALL_BYTES 64

struct worker {
	struct gateway *gw;
	struct loop *loop;
	struct client *client;
	struct fetcher *fetcher;
	struct dns *dns;
	struct credential_agent *agent;
	struct keys_reader *keys;
	struct snapshot_reader conf;
	struct snapshot *conf_seen;
	struct journal *journal;
	struct observe_loop *observe;
	struct hook before_flush, after_flush;
	struct timer probe_due;
	struct req *reqs;
	struct req *deliver, **deliver_tail; /* recorded in this turn, in order */
	struct req_open *free_opens;
	unsigned n_free_opens;
	unsigned n_opens, n_opens_peak;  /* alive, and the most since the heap was trimmed */
	uint64_t last_open_ms;           /* when the last one began */
	struct slab slab;                /* of struct req */
	struct slab texts_slab;          /* of req->texts: small ones would hole up the heap of a burst */
	struct { uint64_t waiting, waits, wait_us, refused; } queue;
	struct arena events;             /* for one stream event at a time */
	uint64_t last_figures_ms;
	uint64_t next_sample_ms, next_count_ms; /* when the estimator may learn, and texts be counted for it, again */
};

static inline const struct gateway_conf *req_conf(const struct req *r)
{
	return snapshot_payload(r->snapshot);
}

#define WORKERS_MAX 256

struct gateway {
	struct gateway_options options;
	struct affinity *affinity;
	struct worker *workers[WORKERS_MAX];
};

/* ---- pipeline.c ---- */
extern const char *const step_names[STEPS];
void req_run(struct req *);
/* Sets the error that the client gets; returns STEP_REFUSE. */
enum step req_refuse(struct req *, enum err_code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* What such a usage costs where the answer came from. False: not known. */
MUST_USE bool req_cost(const struct req *, const struct usage *, int64_t *nusd);

/* ---- request.c: a request's life, and what is read of its head ---- */
struct req *req_new(struct worker *, struct exchange *, const struct http_head *);
/* The gateway's own: no client, and in nobody's figures until it is begun (observe_begin). */
COLD struct req *req_new_own(struct worker *);
/* Another one that makes the same request at the step where it stands, for gateway/hedge.h: without a client, plan and
 * body, in nobody's figures. What it borrows is in the first one's `open`, which must outlive its own. */
struct req *req_new_twin(struct req *);
void req_free(struct req *);
void req_free_stores(struct worker *);      /* what was kept to be used again */
void req_give_back_open(struct worker *, struct req_open *);
/* Gives back what only the beginning needed. */
void req_shed(struct req *);
/* Empties a buffer of the beginning and gives it another ceiling. */
void req_buf_reset(struct buf *, size_t max_bytes);
/* Makes ready for the body of an upload. */
void req_spool(struct req *, const struct http_head *);
struct str req_text(const struct req *, enum req_text);
void req_wake(struct req *);
/* The credential that the client shows; empty: none. */
struct str req_token(const struct http_head *);
/* Does it show an AWS signature in place of a credential? Only who has the secret could check it. */
bool req_is_signed(const struct http_head *);
/* Keeps what later steps need of the head. False: open->err tells. */
MUST_USE bool req_take_head(struct req *);

/* ---- attempt.c: one call of one candidate ---- */
enum attempt_start {
	START_OK,
	START_WAIT,                      /* for media; call again when woken */
	START_FULL,                      /* the candidate has no room any more, or is out by now */
	START_NOT,                       /* this candidate cannot be given the request; open->err tells */
};
MUST_USE enum attempt_start attempt_start(struct req *);
void attempt_cancel(struct req *);
void attempt_expire(struct req *);          /* its time is over */
/* What the call came to is written down. status: the provider's; 0: no answer. */
void attempt_note(struct req *, enum err_code, int status);
/* The call ends and has failed, for this reason. */
void attempt_fail_for(struct req *, const struct err *);
/* Does the provider of the call under way charge for it, by its custom, if nobody reads its answer to the end? */
COLD bool attempt_is_billed(const struct req *);
void attempt_fail(struct req *, enum err_code, const char *text);
/* An error inside of what looked like an answer. */
void attempt_fail_with_error(struct req *, const struct dialect_error *);
/* What looked like an answer refuses on content policy, and another model may answer. */
COLD void attempt_refused(struct req *);

/* ---- answer.c: the provider's answer until the client may see it ---- */
extern const struct call_events answer_events;
/* The content type of the stream that is asked for, and that it must have. */
struct str answer_stream_type(const struct req *);

/* ---- vitals.c: what calls tell of their deployment's health ---- */
MUST_USE bool vitals_begin(struct req *);   /* before each call; false: there is no room, or it is out by now */
enum plan_exclusion vitals_exclusion(const struct req *);    /* then: what is in its way */
void vitals_good(struct req *);             /* a stream's first event is here, or a whole answer */
/* The attempt has failed, for open->failure. open->other_key: it is to be made again at once, with another key. */
enum failure_class vitals_failed(struct req *);
/* A stream that was good has failed. NULL: no error event told why. */
void vitals_cut(struct req *, const struct dialect_error *, bool timeout);
void vitals_part(struct req *);             /* one of several calls of an attempt is over */
void vitals_drop(struct req *);             /* nobody wants the answer any more */
void vitals_settle(struct req *);           /* at the end of every request whose call has not failed */

/* ---- cloud.c: for faces whose requests are wrapped and signed ---- */
struct cloud_request {
	struct str path;                 /* behind the base URL */
	struct str forward;              /* lines of the client's fields */
	size_t n;                        /* of open->request.pieces behind the first: the body */
};
/* Has what the credential comes from given something to sign with? As credential_use; it is then in open->secret. */
MUST_USE enum op_state cloud_credential(struct req *, const struct route_credential *, struct err *);
/* Puts path, fields and body into the face's envelope. False: err tells. */
MUST_USE bool cloud_wrap(struct req *, struct cloud_request *, struct err *);
/* The lines that show the credential; of a request that is written but for them. p == NULL: the arena is full. */
struct str cloud_lines(struct req *, const struct route_credential *, const struct cloud_request *);
/* The provider's answer: does the credential seem to be over? */
void cloud_answered(struct req *, int status);
/* What of the credential must not reach the client, besides the provider's own list. All in the arena. */
const struct str *cloud_hide(struct req *, size_t *n);

/* ---- relay.c: the stream from upstream to the client ---- */
MUST_USE bool relay_init(struct req *);      /* false: no memory */
/* Takes upstream bytes. Before the client has got anything they are kept in open->answer. */
void relay_data(struct req *, struct str);
void relay_end(struct req *, const struct err *failure);   /* NULL: the transport ended well */
/* Writes the head and what is there, and gives back the beginning. */
void relay_start(struct req *);
/* The stream's timer: true, if its time is not over: it goes on. */
bool relay_tick(struct req *);
/* Between two calls of a stream, and until the later one's first event: signs of life, and the total time. */
COLD void relay_await(struct req *);
/* Between them, at BACKOFF: waits on, with signs of life. False: open->wait_ms or the total time is over. */
COLD bool relay_wait(struct req *);
/* The stream has begun, and nobody goes on with it: open->err is its last event. */
COLD void relay_refuse(struct req *);
/* The journal could not be written: the last event is an error's. */
void relay_fail_unwritten(struct req *);

/* ---- ask.c: what a request wishes and may ---- */
/* Keeps a field that holds a wish. False: open->err tells. */
MUST_USE COLD bool ask_take_field(struct req *, const struct http_field *);
/* May its key use a model of this name, as a client writes it? */
COLD bool ask_allows_model(const struct req *, struct str model);
/* Is the decoded request's body a JSON object, and no form? */
static inline bool ask_has_json(const struct req_open *o)
{
	return !o->rq.model_part.p && !o->in.spool && o->rq.body.n && json_trim(o->rq.body).p[0] == '{';
}
/* Does it say something of its routing, or is its key's team bound by a policy? */
static inline bool ask_says_something(const struct req *r)
{
	const struct req_open *o = r->open;

	return o->wish_fields || request_routes(&o->rq) || req_conf(r)->policies.n;
}
/* Fills wishes and policy into what is asked of the plan. False: open->err tells. */
MUST_USE COLD bool ask_fill(struct req *, struct plan_ask *);
/* For what passes without a plan: may it use this deployment, by its key's team and what its head says? Of the wishes
 * (NULL: none) only the time limits are left to do. False: open->err tells. */
MUST_USE COLD bool ask_pass(struct req *, const struct deployment *, const struct route_wishes **);
/* Before an attempt of a request with wishes: the body as the plan's target wants it, the request's own credential
 * (else *credential stays). False: open->err tells; this candidate cannot be asked. */
MUST_USE COLD bool ask_prepare(struct req *, const struct route_credential **);

/* overrides.c: rq becomes that of the plan's target. False: open->err tells. */
MUST_USE COLD bool overrides_apply(struct req *);

/* ---- translate.c: when the provider speaks another dialect than the client ---- */
/* Whose state it may see: the key's team, or the key alone. */
struct str req_tenant(const struct req *);
bool req_is_translated(const struct req *);         /* by the candidate under way */
/* The client's request in the neutral model. False: err tells. */
MUST_USE bool translate_read(struct req *, struct chat_request *out, struct err *);
/* The request in the candidate's dialect: body, and lines of its head. START_NOT: open->err tells, in the client's
 * words. */
MUST_USE enum attempt_start translate_request(struct req *, struct str *body, struct str *head);
struct str translate_path(struct req *);            /* p == NULL: the arena is full */
struct str translate_forward(struct req *);         /* the client's lines that go along; p == NULL: the arena is full */
/* Notes what was dropped for the answer's head. False: the configuration says that nothing may be; open->err tells. */
MUST_USE bool translate_reports(struct req *, const struct chat_drops *);
/* Makes r->translation, or gives the one that a client has begun to read another provider; false: no memory. */
MUST_USE bool translate_stream(struct req *);
MUST_USE bool translate_answer(struct req *, struct err *);   /* open->answer becomes the client's */
bool translate_passes_field(struct str name);
struct str translate_content_type(const struct req *);
struct str translate_accepted_type(const struct req *);

/* ---- embed.c: vectors from a provider of another dialect ---- */
COLD bool embed_is(const struct req *);           /* is it vectors that the request asks for? */
COLD bool embed_goes_on(const struct req *);      /* some parts are here, others are not */
MUST_USE COLD enum attempt_start embed_request(struct req *, struct str *body);
COLD struct str embed_path(struct req *);
/* Takes open->answer; when all parts are here it becomes the client's answer. */
MUST_USE COLD bool embed_answer(struct req *, struct err *);

/* rerank.c: the same for rerankers, in one call. */
COLD bool rerank_is(const struct req *);
MUST_USE COLD enum attempt_start rerank_request(struct req *, struct str *body);
MUST_USE COLD bool rerank_answer(struct req *, struct err *);

/* ---- count.c: tokens that are counted here ---- */
/* A count-tokens call whose candidate speaks another dialect becomes an answer. False: open->err tells. */
MUST_USE bool count_answer(struct req *);
/* Can texts be counted for this model without waiting? If not, some thread of the pool sees to it. */
bool count_is_ready(const struct req *, struct str model);
/* Counts the texts of a request that goes upstream, if it is time for another sample. */
void count_sample(struct req *, const struct chat_request *);
/* What the provider said of this request teaches how many tokens its bytes and texts are. Sound and pictures, which
 * tell nothing of that, do not. */
NOINLINE void count_learn(struct req *);
/* Notes what counting must know of a body that is given back when its stream begins. */
void count_shed(struct req *);
/* The usage of an answer that costs and whose provider told none, or told it at the end, which never came. It stays
 * USAGE_NONE where nothing can be counted. */
NOINLINE void count_usage(struct req *);

/* ---- affinity.c: conversations stay where their prompt cache is ---- */
void affinity_init(void);                    /* once, before threads */
/* Finds out which conversation the request is a part of, for its end, and returns its key if that is to be looked up:
 * it has gone on before, or may have. 0: not. Of a request that was decoded. */
COLD uint64_t affinity_conversation(struct req *);
/* The id of its session, from its head or body; empty: it tells none. */
COLD struct str affinity_session(struct req *);
/* A good answer has begun: the conversation goes on with this candidate. */
COLD void affinity_note(struct req *);
/* What the answer would have cost more if nothing had been read from the provider's prompt cache. */
COLD int64_t affinity_saved_nusd(const struct req *);

/* ---- look.c: what a plan must know of a request ---- */
/* The plan's `look`; its `arg` is the request. */
COLD void look_ask(struct plan_ask *, unsigned what);

/* ---- queue.c: requests wait for room at their model's deployments ---- */
COLD enum step step_queue(struct req *);
/* Must a new request ask for its turn? Others wait for the model's deployments, or all have limits by the minute. */
COLD bool queue_comes_first(const struct req *);
/* The request that was next has begun its attempt: the next one may look for room. */
COLD void queue_begun(struct req *);
COLD void queue_leave(struct req *);        /* it gave up; always allowed */

/* ---- media.c: addresses of images become bytes ---- */
enum media_got { MEDIA_READY, MEDIA_WAIT, MEDIA_FAILED };
/* Of the request in open->chat, for the candidate under way. MEDIA_FAILED: open->err tells. */
enum media_got media_ready(struct req *);
void media_cancel(struct req_open *);

/* ---- pass.c: what is handed on as it is ---- */
void pass_take_head(struct req *);
enum step pass_decode(struct req *);

/* ---- deliver.c: what leaves, and when ---- */
void deliver_add_field(struct req *, struct str name, struct str value);
/* The fields of the answer that are the gateway's own. */
void deliver_own_fields(struct req *);
/* Those of an answer that is open->err, in this dialect. */
void deliver_error_fields(struct req *, const struct dialect *);
/* Puts what each attempt came to behind the error's text. */
void deliver_list_attempts(const struct req *, struct err *);
/* Sends the last bytes; `written`: the record of the request is safe. */
void deliver(struct req *, bool written);

/* ---- tell.c: which deployments there were, and why these ---- */
/* Adds the group under way to TEXT_PLAN, if it is not there yet. */
COLD NOINLINE void tell_plan(struct req *);
/* The answer's own field of it, where it was asked for, or where it took more than one attempt. */
COLD NOINLINE void tell_field(struct req *);

/* ---- record.c ---- */
MUST_USE bool record_spend(struct req *);   /* false: the journal is full */
void record_facts(struct req *);

#endif
