-- A file as version 1 of the schema left it: written once by that release, never again.
PRAGMA application_id = 1802661227;
PRAGMA user_version = 1;
CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    email TEXT NOT NULL,
    product TEXT NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX orders_created ON orders (created, id);
CREATE INDEX orders_email ON orders (email, created, id);
CREATE INDEX orders_product ON orders (product, created, id);
CREATE INDEX orders_state ON orders (state, created, id);
CREATE INDEX orders_product_state ON orders (product, state, created, id);
CREATE INDEX orders_due ON orders (due) WHERE due IS NOT NULL;
CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    visible INTEGER NOT NULL,
    receipt TEXT,
    deliveries INTEGER NOT NULL DEFAULT 0,
    order_id TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX queue_visible ON queue (visible);
CREATE TABLE poison (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    why TEXT NOT NULL,
    deliveries INTEGER NOT NULL,
    order_id TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX poison_at ON poison (at);
CREATE INDEX poison_order ON poison (order_id, at);
CREATE TABLE pulse (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    beats INTEGER NOT NULL
) STRICT;
INSERT INTO orders (id, version, state, email, product, created, due, body) VALUES ('order-1', 2, 'paid', 'ola@example.pl', 'agregaty', 1795348800123456, 1795348800123456, CAST('{"id":"order-1","intent":{"product":"agregaty","title":"Akademia Agregatów","price":{"minor":29900,"currency":"PLN"},"course":"kurs-1","buyer":{"email":"ola@example.pl","name":"Ola Żuk"},"lang":"pl","gateway":"imoje","shop_id":"shop-1","digest":"d"},"created_at":"2026-11-22T12:00:00.123456Z","updated_at":"2026-11-22T12:00:00.123456Z","status":"paid","payments":[{"event":{"order":"order-1","gateway":"imoje","reference":"p-order-1","kind":"paid","shop_id":"shop-1","money":{"minor":29900,"currency":"PLN"}},"at":"2026-11-22T12:00:00.123456Z","verdict":"accepted"}],"history":[{"at":"2026-11-22T12:00:00.123456Z","what":"placed","detail":"agregaty 299.00 PLN"},{"at":"2026-11-22T12:00:00.123456Z","what":"payment paid","detail":"imoje p-order-1 299.00 PLN accepted"}],"version":2}' AS BLOB));
INSERT INTO queue (id, visible, receipt, deliveries, order_id, body) VALUES (2, 1795348800123456, NULL, 0, 'order-1', CAST('{"version":1,"order":"order-1"}' AS BLOB));
INSERT INTO poison (id, at, why, deliveries, order_id, body) VALUES (1, 1795348800123456, 'why', 1, 'order-2', CAST('{"version":1,"order":"order-2"}' AS BLOB));
INSERT INTO pulse (one, beats) VALUES (1, 0);
