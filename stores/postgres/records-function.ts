/**
 * Puts and deletes (`body` is null) records as one set: one after the other would cost statements for each key of each. All
 * checks come before the first change. When one fails, the halves are tried in turn, so that a record may take a key that an
 * earlier one gives up, and the code is that of the first record that conflicts.
 *
 * The limits make each step a look-up: as joins they may read all keys of the collection (tried).
 *
 * @returns NULL, or the code of a conflict before which nothing was changed; RS001 when something was.
 */
export const RECORDS_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.records_1(p_realm integer, p_records rescind.new_record_1[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $records$
DECLARE
  v_half integer := cardinality(p_records) / 2;
  v_code bigint := CASE
    WHEN EXISTS (SELECT FROM unnest(p_records) n
      LEFT JOIN LATERAL (SELECT r.version, r.body FROM rescind.record r
        WHERE r.realm = p_realm AND r.collection = n.collection AND r.id = n.id LIMIT 1) stored ON true
      WHERE n.version <> coalesce(stored.version, 0) OR n.body IS NULL AND stored.body IS NULL) THEN -4
    -- Put in turn, the second one of these conflicts with the first; in one statement they would fail the whole group.
    WHEN EXISTS (SELECT FROM unnest(p_records) n GROUP BY n.collection, n.id HAVING count(*) > 1) THEN -4
    WHEN EXISTS (SELECT FROM unnest(p_records) n CROSS JOIN LATERAL unnest(n.key_names, n.key_values) AS k(name, value)
      CROSS JOIN LATERAL (SELECT o.id FROM rescind.record_key o WHERE o.realm = p_realm AND o.collection = n.collection
        AND o.name = k.name COLLATE "C" AND o.value = k.value COLLATE "C" LIMIT 1) taken
      WHERE taken.id <> n.id) THEN -5
    WHEN EXISTS (SELECT FROM unnest(p_records) n CROSS JOIN LATERAL unnest(n.key_names, n.key_values) AS k(name, value)
      GROUP BY n.collection, k.name COLLATE "C", k.value COLLATE "C" HAVING min(n.id) <> max(n.id)) THEN -5
  END;
BEGIN
  IF v_code IS NOT NULL THEN
    IF v_half = 0 THEN RETURN v_code; END IF;
    v_code := rescind.records_1(p_realm, p_records[:v_half]);
    IF v_code IS NOT NULL THEN RETURN v_code; END IF;
    v_code := rescind.records_1(p_realm, p_records[v_half + 1:]);
    IF v_code IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'RS001', MESSAGE = v_code::text;
    END IF;
    RETURN NULL;
  END IF;
  DELETE FROM rescind.record_key WHERE ctid = ANY (ARRAY(${placesOf('key')}));
  DELETE FROM rescind.record_list WHERE ctid = ANY (ARRAY(${placesOf('list')}));
  INSERT INTO rescind.record (realm, collection, id, version, body, key_names, key_values, list_names, list_values)
    SELECT p_realm, n.collection, n.id, n.version + 1, n.body, n.key_names, n.key_values, n.list_names, n.list_values
    FROM unnest(p_records) n
    ON CONFLICT (realm, collection, id) DO UPDATE SET version = excluded.version, body = excluded.body,
      key_names = excluded.key_names, key_values = excluded.key_values,
      list_names = excluded.list_names, list_values = excluded.list_values;
  INSERT INTO rescind.record_key (realm, collection, name, value, id)
    SELECT p_realm, n.collection, k.name, k.value, n.id
    FROM unnest(p_records) n CROSS JOIN LATERAL unnest(n.key_names, n.key_values) AS k(name, value) ON CONFLICT DO NOTHING;
  INSERT INTO rescind.record_list (realm, collection, name, value, id)
    SELECT p_realm, n.collection, l.name, l.value, n.id
    FROM unnest(p_records) n CROSS JOIN LATERAL unnest(n.list_names, n.list_values) AS l(name, value) ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$records$;
`

/** Where the entries are that these records had and will not have. */
function placesOf(of: 'key' | 'list'): string {
  return `SELECT o.place FROM unnest(p_records) n
    CROSS JOIN LATERAL (SELECT r.${of}_names AS names, r.${of}_values AS held FROM rescind.record r
      WHERE n.version > 0 AND r.realm = p_realm AND r.collection = n.collection AND r.id = n.id LIMIT 1) stored
    CROSS JOIN LATERAL unnest(stored.names, stored.held) AS k(name, value)
    CROSS JOIN LATERAL (SELECT e.ctid AS place FROM rescind.record_${of} e
      WHERE e.realm = p_realm AND e.collection = n.collection AND e.name = k.name COLLATE "C"
        AND e.value = k.value COLLATE "C" AND e.id = n.id LIMIT 1) o
    WHERE NOT EXISTS (SELECT FROM unnest(n.${of}_names, n.${of}_values) AS kept(name, value)
      WHERE kept.name = k.name COLLATE "C" AND kept.value = k.value COLLATE "C")`
}
