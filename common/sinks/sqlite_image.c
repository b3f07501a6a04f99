#include "sinks/sqlite_image.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_BYTES = 32 << 10, /* few pages and little copied to fill one */
    FILE_HEADER_BYTES = 100,
    LEAF_HEADER_BYTES = 8,
    INNER_HEADER_BYTES = 12,
    POINTER_BYTES = 2,
    PAGE_NUMBER_BYTES = 4,
    LEAF_KIND = 13,
    INNER_KIND = 5,
    /* A longer record goes on in overflow pages ("B-tree Cell Format"). */
    MOST_LOCAL = PAGE_BYTES - 35,
    LEAST_LOCAL = (PAGE_BYTES - 12) * 32 / 255 - 23,
    OVERFLOW_BYTES = PAGE_BYTES - PAGE_NUMBER_BYTES,
    VARINT_BYTES = 9,
    CELL_HEADER_BYTES = 2 * VARINT_BYTES,
    /* Of an inner page, whatever their last rows. */
    MOST_CHILDREN =
        (PAGE_BYTES - INNER_HEADER_BYTES) / (PAGE_NUMBER_BYTES + VARINT_BYTES + POINTER_BYTES),
    KEPT_BYTES = 64 << 20, /* of memory, when cleared */
    TEXT_UTF8 = 1,
    SCHEMA_FORMAT = 4,
};
/* SQLite's limit of a record, and of a page's number. */
static const uint64_t MOST_RECORD_BYTES = 1000000000, MOST_PAGES = 1073741823;

/* A whole page of a level and the last row below it. */
struct child {
    uint32_t page;
    uint64_t last_row;
};

void qn_sqlite_image_init(struct qn_sqlite_image *image)
{
    *image = (struct qn_sqlite_image){0};
    qn_sqlite_record_init(&image->record);
    qn_buf_init(&image->pages);
    qn_buf_init(&image->children);
}

void qn_sqlite_image_fini(struct qn_sqlite_image *image)
{
    qn_sqlite_record_fini(&image->record);
    qn_buf_fini(&image->pages);
    qn_buf_fini(&image->children);
}

void qn_sqlite_image_clear(struct qn_sqlite_image *image)
{
    if (image->pages.capacity > KEPT_BYTES || image->pages.failed)
        qn_buf_fini(&image->pages);
    if (image->children.failed)
        qn_buf_fini(&image->children);
    qn_buf_clear(&image->pages);
    qn_buf_clear(&image->children);
    image->leaf = 0;
    image->n_cells = 0;
    image->n_rows = 0;
}

/* --- pages ------------------------------------------------------------------------------------ */

static void put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value >> 16);
    put_u16(at + 2, value & 0xffff);
}

static uint32_t page_number(size_t offset)
{
    return (uint32_t)(offset / PAGE_BYTES) + 1;
}

/* A page more at the end, not initialised; its offset. */
static qn_code add_page(struct qn_sqlite_image *image, size_t *offset, struct qn_err *err)
{
    *offset = image->pages.len;
    if (image->pages.len / PAGE_BYTES >= MOST_PAGES || !qn_buf_reserve(&image->pages, PAGE_BYTES))
        return qn_err_nomem(err, "rows for the warehouse");
    image->pages.len += PAGE_BYTES;
    return QN_OK;
}

static uint8_t *page_at(struct qn_sqlite_image *image, size_t offset)
{
    return image->pages.data + offset;
}

/* Header and pointer array begin at `header`; the gap up to the cells is cleared. */
static void seal_page(uint8_t *page, size_t header, uint8_t kind, uint32_t n_cells,
                      uint32_t content)
{
    uint8_t *at = page + header;
    size_t used = header + (kind == LEAF_KIND ? LEAF_HEADER_BYTES : INNER_HEADER_BYTES) +
                  (size_t)n_cells * POINTER_BYTES;
    at[0] = kind;
    put_u16(at + 1, 0); /* no free blocks */
    put_u16(at + 3, n_cells);
    put_u16(at + 5, content);
    at[7] = 0; /* no fragments */
    memset(page + used, 0, content - used);
}

static qn_code note_child(struct qn_sqlite_image *image, size_t offset, uint64_t last_row,
                          struct qn_err *err)
{
    struct child child = {page_number(offset), last_row};
    qn_buf_put(&image->children, &child, sizeof child);
    return qn_buf_check(&image->children, "rows for the warehouse", err);
}

/* --- leaves ----------------------------------------------------------------------------------- */

static qn_code end_leaf(struct qn_sqlite_image *image, struct qn_err *err)
{
    if (!image->leaf)
        return QN_OK;
    seal_page(page_at(image, image->leaf), 0, LEAF_KIND, image->n_cells, image->content);
    size_t leaf = image->leaf;
    image->leaf = 0;
    return note_child(image, leaf, image->n_rows, err);
}

static qn_code begin_leaf(struct qn_sqlite_image *image, struct qn_err *err)
{
    size_t first;
    if (image->pages.len == 0) /* page 1 comes last */
        QN_TRY(add_page(image, &first, err));
    QN_TRY(add_page(image, &image->leaf, err));
    image->n_cells = 0;
    image->content = PAGE_BYTES;
    return QN_OK;
}

static size_t local_bytes(size_t record)
{
    if (record <= MOST_LOCAL)
        return record;
    size_t local = LEAST_LOCAL + (record - LEAST_LOCAL) % OVERFLOW_BYTES;
    return local <= MOST_LOCAL ? local : LEAST_LOCAL;
}

/* The rest of a long record as a chain of pages; *first is the number of its first. */
static qn_code put_overflow(struct qn_sqlite_image *image, struct qn_strv rest, uint32_t *first,
                            struct qn_err *err)
{
    *first = page_number(image->pages.len);
    while (rest.len) {
        size_t offset;
        size_t n = rest.len < OVERFLOW_BYTES ? rest.len : OVERFLOW_BYTES;
        QN_TRY(add_page(image, &offset, err));
        uint8_t *page = page_at(image, offset);
        put_u32(page, n < rest.len ? page_number(image->pages.len) : 0);
        memcpy(page + PAGE_NUMBER_BYTES, rest.data, n);
        memset(page + PAGE_NUMBER_BYTES + n, 0, OVERFLOW_BYTES - n);
        rest.data += n;
        rest.len -= n;
    }
    return QN_OK;
}

/* memcpy for cells, of which most are some dozens of bytes. What follows them is another cell, so
 * not a byte more is written. */
static inline void copy_cell(uint8_t *to, const char *from, size_t n)
{
    enum { WIDE = 16 };
    if (n < WIDE || n > 16 * WIDE) {
        memcpy(to, from, n);
        return;
    }
    for (size_t at = 0; at < n - WIDE; at += WIDE)
        memcpy(to + at, from + at, WIDE);
    memcpy(to + n - WIDE, from + n - WIDE, WIDE);
}

/* A cell of the leaf for a record: its two varints, what is local, and the overflow's page. */
static qn_code put_cell(struct qn_sqlite_image *image, struct qn_strv record, struct qn_err *err)
{
    uint8_t header[CELL_HEADER_BYTES];
    size_t local = local_bytes(record.len);
    uint8_t *end = qn_sqlite_varint_put(header, record.len);
    end = qn_sqlite_varint_put(end, image->n_rows + 1);
    size_t header_bytes = (size_t)(end - header);
    size_t cell = header_bytes + local + (local < record.len ? PAGE_NUMBER_BYTES : 0);
    size_t used = LEAF_HEADER_BYTES + ((size_t)image->n_cells + 1) * POINTER_BYTES;
    if (!image->leaf || image->content < used + cell) {
        QN_TRY(end_leaf(image, err));
        QN_TRY(begin_leaf(image, err));
    }
    uint32_t overflow = 0;
    if (local < record.len)
        QN_TRY(put_overflow(image, (struct qn_strv){record.data + local, record.len - local},
                            &overflow, err));
    image->content -= (uint32_t)cell;
    uint8_t *page = page_at(image, image->leaf), *at = page + image->content;
    for (size_t i = 0; i < header_bytes; i++)
        at[i] = header[i];
    copy_cell(at + header_bytes, record.data, local);
    if (overflow)
        put_u32(at + header_bytes + local, overflow);
    put_u16(page + LEAF_HEADER_BYTES + (size_t)image->n_cells * POINTER_BYTES, image->content);
    image->n_cells++;
    image->n_rows++;
    return QN_OK;
}

qn_code qn_sqlite_image_put(struct qn_sqlite_image *image, const struct qn_batch *batch,
                            struct qn_err *err)
{
    QN_TRY(qn_sqlite_record_begin(&image->record, batch, err));
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        struct qn_strv record = qn_sqlite_record_of(&image->record, row);
        if (record.len > MOST_RECORD_BYTES)
            return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                              "a row of %zu bytes is larger than SQLite's limit of 1 GB",
                              record.len);
        QN_TRY(put_cell(image, record, err));
    }
    return QN_OK;
}

/* --- the tree --------------------------------------------------------------------------------- */

/* An inner page over n children: all but the last as cells of page and last row. */
static qn_code put_inner(struct qn_sqlite_image *image, const struct child *children, size_t n,
                         size_t *offset, struct qn_err *err)
{
    QN_TRY(add_page(image, offset, err));
    uint8_t *page = page_at(image, *offset);
    uint32_t content = PAGE_BYTES, n_cells = (uint32_t)n - 1;
    for (uint32_t i = 0; i < n_cells; i++) {
        uint8_t cell[PAGE_NUMBER_BYTES + VARINT_BYTES];
        put_u32(cell, children[i].page);
        uint8_t *end = qn_sqlite_varint_put(cell + PAGE_NUMBER_BYTES, children[i].last_row);
        content -= (uint32_t)(end - cell);
        memcpy(page + content, cell, (size_t)(end - cell));
        put_u16(page + INNER_HEADER_BYTES + (size_t)i * POINTER_BYTES, content);
    }
    seal_page(page, 0, INNER_KIND, n_cells, content);
    put_u32(page + LEAF_HEADER_BYTES, children[n_cells].page);
    return QN_OK;
}

/* How many of the children left go into one page: as many as fit, but never all but one, for that
 * one would be alone in a page without cells. */
static size_t share_of(size_t left)
{
    if (left <= MOST_CHILDREN)
        return left;
    return left == MOST_CHILDREN + 1 ? MOST_CHILDREN - 1 : MOST_CHILDREN;
}

/* The level above `below`, noted as the image's children. */
static qn_code build_level(struct qn_sqlite_image *image, const struct child *below, size_t n,
                           struct qn_err *err)
{
    for (size_t done = 0; done < n;) {
        size_t offset, share = share_of(n - done);
        QN_TRY(put_inner(image, below + done, share, &offset, err));
        done += share;
        QN_TRY(note_child(image, offset, below[done - 1].last_row, err));
    }
    return QN_OK;
}

/* Builds level over level until one page holds all; its number. */
static qn_code build_tree(struct qn_sqlite_image *image, uint32_t *root, struct qn_err *err)
{
    const struct child *children;
    while (image->children.len > sizeof *children) {
        struct qn_buf below = image->children;
        qn_buf_init(&image->children);
        children = (const struct child *)(const void *)below.data;
        qn_code code = build_level(image, children, below.len / sizeof *children, err);
        qn_buf_fini(&below);
        QN_TRY(code);
    }
    children = (const struct child *)(const void *)image->children.data;
    *root = children->page;
    return QN_OK;
}

/* --- page 1 ----------------------------------------------------------------------------------- */

/* The row of sqlite_schema that describes the table: a record of our own text columns, and of the
 * root as an integer of four bytes. */
static size_t put_schema_record(uint8_t *out, uint32_t root, struct qn_strv sql)
{
    static const char names[] = "table"
                                "rows"
                                "rows";
    uint8_t types[8 + VARINT_BYTES];
    uint8_t *end = types + 1;
    *end++ = 13 + 2 * 5;
    *end++ = 13 + 2 * 4;
    *end++ = 13 + 2 * 4;
    *end++ = 4; /* an integer of 32 bits */
    end = qn_sqlite_varint_put(end, 13 + 2 * (uint64_t)sql.len);
    types[0] = (uint8_t)(end - types);
    uint8_t *at = out;
    memcpy(at, types, types[0]);
    at += types[0];
    memcpy(at, names, sizeof names - 1);
    at += sizeof names - 1;
    put_u32(at, root);
    at += 4;
    memcpy(at, sql.data, sql.len);
    return (size_t)(at + sql.len - out);
}

static void put_file_header(uint8_t *page, uint32_t n_pages)
{
    static const char magic[16] = "SQLite format 3"; /* its NUL is part of it */
    memset(page, 0, FILE_HEADER_BYTES);
    memcpy(page, magic, sizeof magic);
    put_u16(page + 16, PAGE_BYTES);
    page[18] = page[19] = 1; /* no WAL */
    page[21] = 64;           /* fractions of a page that a payload may take: fixed */
    page[22] = page[23] = 32;
    put_u32(page + 24, 1); /* changes */
    put_u32(page + 28, n_pages);
    put_u32(page + 40, 1); /* schema cookie */
    put_u32(page + 44, SCHEMA_FORMAT);
    put_u32(page + 56, TEXT_UTF8);
    put_u32(page + 92, 1); /* changes for which the number of pages holds */
    put_u32(page + 96, SQLITE_VERSION_NUMBER);
}

static qn_code put_first_page(struct qn_sqlite_image *image, uint32_t root, struct qn_strv sql,
                              struct qn_err *err)
{
    enum { RECORD_ROOM = PAGE_BYTES - 512 };
    uint8_t record[RECORD_ROOM];
    if (sql.len > RECORD_ROOM - 64)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "the definition of a table of %zu bytes does not fit a page", sql.len);
    uint8_t *page = page_at(image, 0);
    size_t bytes = put_schema_record(record, root, sql);
    uint8_t cell[CELL_HEADER_BYTES];
    uint8_t *end = qn_sqlite_varint_put(cell, bytes);
    *end++ = 1; /* row 1 */
    uint32_t content = (uint32_t)(PAGE_BYTES - bytes - (size_t)(end - cell));
    put_file_header(page, (uint32_t)(image->pages.len / PAGE_BYTES));
    seal_page(page, FILE_HEADER_BYTES, LEAF_KIND, 1, content);
    put_u16(page + FILE_HEADER_BYTES + LEAF_HEADER_BYTES, content);
    memcpy(page + content, cell, (size_t)(end - cell));
    memcpy(page + content + (end - cell), record, bytes);
    return QN_OK;
}

qn_code qn_sqlite_image_finish(struct qn_sqlite_image *image, struct qn_strv columns,
                               struct qn_err *err)
{
    uint32_t root;
    struct qn_buf sql;
    if (image->n_rows == 0)
        QN_TRY(begin_leaf(image, err)); /* an empty table is an empty leaf */
    QN_TRY(end_leaf(image, err));
    QN_TRY(build_tree(image, &root, err));
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "CREATE TABLE rows");
    qn_buf_put(&sql, columns.data, columns.len);
    qn_code code = qn_buf_check(&sql, "a table's columns", err);
    if (code == QN_OK)
        code = put_first_page(image, root, qn_buf_strv(&sql), err);
    qn_buf_fini(&sql);
    return code;
}

/* --- showing it ------------------------------------------------------------------------------- */

int qn_sqlite_image_detach(sqlite3 *db)
{
    if (sqlite3_txn_state(db, QN_SQLITE_IMAGE) < 0)
        return SQLITE_OK;
    return sqlite3_exec(db, "DETACH " QN_SQLITE_IMAGE, NULL, NULL, NULL);
}

int qn_sqlite_image_attach(struct qn_sqlite_image *image, sqlite3 *db)
{
    int rc = qn_sqlite_image_detach(db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "ATTACH ':memory:' AS " QN_SQLITE_IMAGE, NULL, NULL, NULL);
    sqlite3_int64 bytes = (sqlite3_int64)image->pages.len;
    if (rc == SQLITE_OK)
        rc = sqlite3_deserialize(db, QN_SQLITE_IMAGE, image->pages.data, bytes, bytes,
                                 SQLITE_DESERIALIZE_READONLY);
    if (rc == SQLITE_OK) { /* its pages are read where they are, none is copied */
        char sql[80];
        sqlite3_snprintf(sizeof sql, sql, "PRAGMA " QN_SQLITE_IMAGE ".mmap_size = %lld", bytes);
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    return rc;
}
