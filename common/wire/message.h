/* message: what coordinator and workers say to each other, as MessagePack arrays
 * [kind, fields...]. docs/protocol.md draws who says what when.
 *
 * A decoded message borrows its texts from the frame and its arrays from the arena. Every frame
 * is hostile until decode returns QN_OK: kind, arity, types, counts and lengths are checked,
 * depth is at most 8, ext types, trailing bytes and bytes past QN_MAX_FRAME_BYTES are refused. */
#ifndef QN_WIRE_MESSAGE_H
#define QN_WIRE_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "flow/job.h"
#include "flow/source.h"

/* Counted up whenever a message changes shape; peers of another version are refused. What never
 * changes: HELLO starts [1, protocol, ...], REFUSED is [3, reason], ASK is [21, protocol]. */
enum { QN_PROTOCOL_VERSION = 7 };

/* The most bytes of one DATA, BLOB, STATE or DONE: what a frame holds beside their other fields. */
enum { QN_MAX_PIECE_BYTES = QN_MAX_FRAME_BYTES - 512 };

enum qn_msg_kind {
    /* control connection */
    QN_MSG_HELLO = 1, /* w>c  who I am */
    QN_MSG_WELCOME,   /* c>w  what run this is */
    QN_MSG_REFUSED,   /* c>w  why not; the worker exits */
    QN_MSG_TASKS,     /* c>w  leases */
    QN_MSG_STARTED,   /* w>c  slots began these: failures are charged from here on */
    QN_MSG_RENEW,     /* w>c  heartbeat: tokens held */
    QN_MSG_PULSE,     /* c>w  heartbeat */
    QN_MSG_RECALL,    /* c>w  give these back unless started */
    QN_MSG_RETURNED,  /* w>c  given back, never started */
    QN_MSG_CANCEL,    /* c>w  stop these; no answer needed */
    QN_MSG_DRAIN,     /* both finish what runs, take no more, then GOODBYE */
    QN_MSG_GOODBYE,   /* both closing: run over (c>w), or leaving (w>c) */
    /* data connection */
    QN_MSG_ATTACH, /* w>c  this connection belongs to session S */
    QN_MSG_GET,    /* w>c  send me the blob with this hash */
    QN_MSG_BLOB,   /* c>w  a piece of it */
    QN_MSG_DATA,   /* w>c  the next bytes of a task's part */
    QN_MSG_CREDIT, /* c>w  so many more bytes may be sent */
    QN_MSG_DONE,   /* w>c  the part is whole; its last bytes come along */
    QN_MSG_FAILED, /* w>c  the task failed, with blame */
    QN_MSG_ACK,    /* c>w  these results are safe (or unwanted): forget them */
    /* control connection, of anybody: no HELLO comes before it */
    QN_MSG_ASK,    /* ?>c  how far is the run? */
    QN_MSG_STATUS, /* c>?  so far */
    /* data connection */
    QN_MSG_STATE, /* c>w  what a round of a repeating stage reads, or what is new of it */
};

/* Names one attempt at one task. A result whose token is not live gets an ACK and is dropped. */
struct qn_token {
    uint32_t job, stage, round, unit;
    uint32_t attempt; /* never reused within an epoch */
    uint64_t epoch;   /* of the coordinator that leased it */
};
bool qn_token_eq(const struct qn_token *a, const struct qn_token *b);

enum { QN_UUID_BYTES = 16 };

struct qn_msg_task {
    struct qn_token token;
    struct qn_strv brief; /* SHA-256 (hex) of the stage's brief: states and partition files */
    struct qn_strv path;  /* chunk's or part's file; empty for PARTITIONS stages */
    uint32_t file_index;
    uint64_t begin, end, start, file_bytes, file_begin, file_end;
};

/* A job of a run under way; `done` of `total` units of the stage it is in. */
struct qn_msg_job {
    struct qn_strv name, kind, status, stage;
    uint32_t stage_number, n_stages, round; /* stage_number: from 0 */
    uint64_t done, total;
    struct qn_counters counters;
    uint64_t micros;
};

struct qn_msg {
    enum qn_msg_kind kind;
    union {
        struct {
            uint32_t protocol;
            struct qn_strv engine; /* QN_VERSION */
            uint8_t uuid[QN_UUID_BYTES];
            uint64_t boot; /* grows with every start of the worker with this uuid */
            uint32_t slots;
            uint64_t kept_bytes; /* memory for tables that tasks keep */
            uint64_t pid;
            struct qn_strv host;
        } hello;
        struct {
            uint64_t session; /* random; names this conversation */
            uint64_t epoch;
            struct qn_strv run_id;
            struct qn_strv plan;      /* SHA-256 (hex) of the plan blob */
            struct qn_strv data_port; /* endpoint of the data connection; a host of "*" or 0.0.0.0
                                         stands for the host the worker dialled */
            uint32_t pulse_ms, lease_ms;
            uint64_t credit_bytes;
            struct qn_strv folder, proof; /* a worker that finds the file `proof` in `folder` leaves
                                             large parts there instead of sending them */
        } welcome;
        struct {
            struct qn_strv reason;
        } refused, goodbye;
        struct {
            struct qn_msg_task *items;
            uint32_t n;
        } tasks;
        struct {
            struct qn_token *items;
            uint32_t n;
        } tokens; /* STARTED, RENEW, RECALL, RETURNED, CANCEL, ACK */
        struct {
            uint64_t session;
        } attach;
        struct {
            struct qn_strv hash;
        } get;
        struct {
            struct qn_strv hash;
            uint64_t offset, total; /* total 0 and no bytes: there is no such blob */
            struct qn_strv bytes;
        } blob;
        struct {
            struct qn_token token;
            uint64_t offset;
            struct qn_strv bytes;
        } data;
        struct {
            uint64_t bytes;
        } credit;
        struct {
            struct qn_token token;
            uint64_t bytes;
            struct qn_hash128 digest; /* XXH3-128 of the part */
            struct qn_counters counters;
            struct qn_chunk_result chunk;
            uint64_t micros, cpu_micros; /* of the attempt: by the clock, of its thread */
            uint32_t left;       /* 1: the part lies in the shared folder, no bytes are sent */
            struct qn_strv rest; /* the part's last bytes, after those that came as DATA */
        } done;
        struct {
            struct qn_token token;
            enum qn_code_value code;
            enum qn_blame blame;
            struct qn_strv file;
            uint64_t line, column;
            struct qn_strv message; /* with its frames */
        } failed;
        struct {
            uint32_t protocol;
        } ask;
        struct {
            struct qn_strv run_id, spec; /* the spec's name */
            uint64_t micros, rows_read;
            uint32_t workers, slots, draining;
            struct qn_msg_job *items; /* needs first */
            uint32_t n;
        } status;
        struct {
            uint32_t job, stage, round;
            uint64_t offset; /* of the bytes: what was said before holds up to here */
            uint64_t total;  /* bytes of the state that this round reads */
            struct qn_strv bytes;
        } state;
        /* PULSE, DRAIN carry nothing */
    };
};

/* Appends. What decode would refuse (a text too long, a hash that is none) is refused here too, and
 * leaves `out` as it was; QN_ELIMIT when it does not fit a frame: send a list in pieces. */
QN_CHECK qn_code qn_msg_encode(const struct qn_msg *msg, struct qn_buf *out, struct qn_err *err);
/* Of a HELLO of another protocol only hello.protocol is read. */
QN_CHECK qn_code qn_msg_decode(struct qn_strv bytes, struct qn_arena *arena, struct qn_msg *out,
                               struct qn_err *err);

const char *qn_msg_name(enum qn_msg_kind kind);

#endif
