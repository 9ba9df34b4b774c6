-- The isolated backend: a login that may execute these functions, and nothing else, sends and
-- receives on each channel whose name it knows. Without the name it cannot list, read, fill or drop
-- a queue: the functions find queues by the hash of the name only, and queues have names by chance.
--
-- All functions run as the role that installed them, with a fixed search path. Whoever calls is
-- session_user: a queue can be read and left by the role that joined it, and by no other.

CREATE SCHEMA IF NOT EXISTS callboard;

CREATE TABLE IF NOT EXISTS callboard.members (
    channel bytea NOT NULL,         -- hash of its name: who reads this table learns no name
    queue text PRIMARY KEY,
    role name NOT NULL,
    node text NOT NULL,
    owner text NOT NULL,            -- the life of the node
    token text NOT NULL,            -- the name that the node is notified by
    expires timestamptz NOT NULL,
    UNIQUE (channel, node)
);

CREATE INDEX IF NOT EXISTS members_by_role ON callboard.members (role);

CREATE OR REPLACE FUNCTION callboard.hash_of(channel text) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.sha256(pg_catalog.convert_to('callboard channel ' || channel, 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION callboard.drop_member(of_queue text) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pgmq.drop_queue(of_queue);
    -- PGMQ leaves this behind where the table was dropped by hand.
    DELETE FROM pgmq.meta WHERE queue_name = of_queue;
    DELETE FROM callboard.members WHERE queue = of_queue;
END
$$;

-- Have a queue for a node of the channel: the one of the same life as it is, otherwise an empty one.
CREATE OR REPLACE FUNCTION callboard.join(
    to_channel text, as_node text, life text, held boolean, lease double precision
) RETURNS TABLE (queue text, token text)
LANGUAGE plpgsql STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    hash bytea := callboard.hash_of(to_channel);
    found callboard.members;
BEGIN
    IF to_channel = '' OR as_node = '' OR length(to_channel) > 1000 OR length(as_node) > 1000
        OR length(life) > 100 OR NOT lease BETWEEN 1 AND 3600
    THEN
        RAISE 'a channel and a node need names of 1 to 1000 characters, a lease 1 to 3600 seconds'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(hash, 'hex') || as_node, 0));
    SELECT * INTO found FROM callboard.members WHERE channel = hash AND node = as_node FOR UPDATE;
    IF found.queue IS NOT NULL AND found.expires > clock_timestamp() AND (
        found.role <> session_user OR held AND found.owner <> life
    ) THEN
        RAISE 'another node of this name lives' USING ERRCODE = 'CB001';
    END IF;
    IF found.queue IS NOT NULL AND (found.role <> session_user OR found.owner <> life) THEN
        -- Rows of an earlier life are for nobody; a queue with a new name keeps the old reader out.
        BEGIN
            PERFORM set_config('lock_timeout', '200ms', true);
            PERFORM callboard.drop_member(found.queue);
        EXCEPTION WHEN lock_not_available THEN
            -- That reader still looks into it: it is left to the next sweep.
            UPDATE callboard.members SET node = found.queue, expires = '-infinity'
            WHERE queue = found.queue;
        END;
        found := NULL;
    END IF;
    IF found.queue IS NULL THEN
        IF (SELECT count(*) FROM callboard.members WHERE role = session_user) >= 1000 THEN
            RAISE 'the role has 1000 queues already' USING ERRCODE = 'configuration_limit_exceeded';
        END IF;
        found.queue := 'callboard_' || replace(gen_random_uuid()::text, '-', '');
        found.token := 'callboard_' || replace(gen_random_uuid()::text, '-', '');
        INSERT INTO callboard.members VALUES (
            hash, found.queue, session_user, as_node, life, found.token,
            clock_timestamp() + lease * interval '1 second'
        );
    ELSE
        UPDATE callboard.members SET expires = clock_timestamp() + lease * interval '1 second'
        WHERE queue = found.queue;
    END IF;
    PERFORM pgmq.create(found.queue);
    RETURN QUERY SELECT found.queue, found.token;
END
$$;

-- Put each message into the queue of the node beside it, or, where nodes is NULL, into that of each
-- node but one's own. Returns the nodes that had a queue.
CREATE OR REPLACE FUNCTION callboard.send(
    to_channel text, own text, nodes text[], messages jsonb[]
) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hash bytea := callboard.hash_of(to_channel);
    target record;
BEGIN
    FOR target IN
        WITH posts AS (
            SELECT post.node, array_agg(post.message ORDER BY post.number) AS messages
            FROM unnest(nodes, messages) WITH ORDINALITY AS post (node, message, number)
            WHERE nodes IS NOT NULL GROUP BY post.node
        )
        SELECT m.node, m.queue, m.token, p.messages
        FROM callboard.members m JOIN posts p ON p.node = m.node WHERE m.channel = hash
        UNION ALL
        SELECT m.node, m.queue, m.token, messages
        FROM callboard.members m WHERE nodes IS NULL AND m.channel = hash AND m.queue <> own
    LOOP
        CONTINUE WHEN to_regclass('pgmq.q_' || target.queue) IS NULL;
        BEGIN
            -- The row comes along where it fits: that spares the receiver a look, not the row.
            PERFORM pg_notify(target.token, CASE WHEN octet_length(message::text) < 7900
                THEN id || ' ' || message::text ELSE '' END)
            FROM ROWS FROM (pgmq.send_batch(target.queue, target.messages), unnest(target.messages))
                AS sent (id, message);
            RETURN NEXT target.node;
        EXCEPTION WHEN undefined_table THEN
            NULL;  -- its node has left since the look at it: the others get theirs
        END;
    END LOOP;
END
$$;

-- Delete what is done, prolong the lease (0: do not), and read; wait at most so many seconds.
CREATE OR REPLACE FUNCTION callboard.read(
    of_channel text, of_queue text, life text, done bigint[], visibility integer,
    quantity integer, lease double precision, wait integer
) RETURNS TABLE (id bigint, message text)
LANGUAGE plpgsql STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- What is read and deleted comes back if Postgres crashes: it need not wait for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM FROM callboard.members WHERE queue = of_queue AND role = session_user
        AND channel = callboard.hash_of(of_channel) AND owner = life;
    IF NOT FOUND THEN
        RAISE 'no queue of this name is yours' USING ERRCODE = 'CB002';
    END IF;
    IF cardinality(done) > 0 THEN
        PERFORM pgmq.delete(of_queue, done);
    END IF;
    IF lease > 0 THEN
        UPDATE callboard.members
        SET expires = clock_timestamp() + least(lease, 3600) * interval '1 second'
        WHERE queue = of_queue;
    END IF;
    IF wait > 0 THEN
        RETURN QUERY SELECT msg_id, message::text
            FROM pgmq.read_with_poll(of_queue, visibility, least(quantity, 1000), least(wait, 60), 100);
    ELSE
        RETURN QUERY SELECT msg_id, message::text
            FROM pgmq.read(of_queue, visibility, least(quantity, 1000));
    END IF;
END
$$;

-- Remove the queues of the channel whose lease has ended. A Postgres that has just come up gives
-- the nodes the time of a lease to come back.
CREATE OR REPLACE FUNCTION callboard.sweep(of_channel text) RETURNS integer
LANGUAGE plpgsql STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    abandoned text;
    swept integer := 0;
BEGIN
    IF pg_postmaster_start_time() > clock_timestamp() - interval '10 seconds' THEN
        RETURN 0;
    END IF;
    PERFORM set_config('lock_timeout', '200ms', true);
    FOR abandoned IN
        SELECT queue FROM callboard.members
        WHERE channel = callboard.hash_of(of_channel) AND expires < clock_timestamp()
        FOR UPDATE SKIP LOCKED
    LOOP
        BEGIN
            PERFORM callboard.drop_member(abandoned);
            swept := swept + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL;  -- what was killed may still be looking into it: next time
        END;
    END LOOP;
    RETURN swept;
END
$$;

-- Remove one's own queue.
CREATE OR REPLACE FUNCTION callboard.leave(of_channel text, of_queue text, life text)
RETURNS boolean
LANGUAGE plpgsql STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM callboard.members WHERE queue = of_queue AND role = session_user
        AND channel = callboard.hash_of(of_channel) AND owner = life FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM callboard.drop_member(of_queue);
    RETURN true;
END
$$;

REVOKE ALL ON SCHEMA callboard FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA callboard FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA callboard FROM PUBLIC;
