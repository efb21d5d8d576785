import { NAMES_UNKNOWN } from '@rescind/authority/names'

/** Candidates of one search. A name that more tokens bear is found soon by reading all tokens. */
const CANDIDATES_MAX = 10_000

/** Hashes of the names of one token or ancestor; null for what it lacks. */
function hashesOf(one: string): string {
  const name = (what: string, value: string): string =>
    `hashtextextended('${what} ' || (${one}->>'source') || ' ' || (${value}), p_realm)`
  return ['subject', 'client', 'tenant', 'session', 'grant']
    .map((what) => name(what, `${one}->>'${what}'`))
    .join(', ')
}

function ofAncestor(up: string): string {
  const name = (what: string, value: string): string =>
    `hashtextextended('${what} ' || (${up}->>'source') || ' ' || (${value}), p_realm)`
  return [
    hashesOf(up),
    name('handle', `${up}->>'handle'`),
    name('jti', `${up}->'foreign'->>'jti'`),
    `CASE WHEN ${up}->'grant' IS NULL AND ${up}->'foreign' IS NULL THEN ${UNKNOWN} END`,
  ].join(', ')
}

const UNKNOWN = `hashtextextended('${NAMES_UNKNOWN}', p_realm)`

/**
 * Hashes of the names of a token, from its facts: what the index over tokens holds. The names are those of `namesOfToken`. A
 * token whose facts cannot be read here, because they are damaged or hold an escape that PostgreSQL refuses, is among the
 * candidates of every search.
 */
export const NAMES_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.names_1(p_realm integer, p_facts text) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $names$
DECLARE
  v_facts jsonb;
  v_hashes bigint[];
  v_ancestors jsonb;
  v_up jsonb;
BEGIN
  v_facts := p_facts::jsonb;
  v_hashes := ARRAY[${hashesOf('v_facts')}];
  v_ancestors := v_facts->'ancestors';
  -- Assignments alone: each query in here would cost as much as all the rest.
  FOR v_nth IN 0 .. coalesce(jsonb_array_length(v_ancestors), 0) - 1 LOOP
    v_up := v_ancestors->v_nth;
    v_hashes := v_hashes || ARRAY[${ofAncestor('v_up')}];
  END LOOP;
  RETURN array_remove(v_hashes, NULL);
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
  RETURN ARRAY[${UNKNOWN}];
END
$names$;
`

/**
 * The numbers of candidates after one, in order: tokens that bear one of the names in `p_one`, all names of a set in `p_all`, or
 * a handle. Null: there is no index yet, or there are too many. Statistics from when the table was small would have it read
 * as a whole, so only its indexes are left.
 */
export const NAMED_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.named_1(
  p_realm integer, p_after bigint, p_one text[], p_all json, p_handles text[]
) RETURNS bigint[] LANGUAGE plpgsql STABLE SET enable_seqscan = off SET jit = off AS $named$
DECLARE
  v_found bigint[];
  v_set json;
  v_hashes bigint[];
BEGIN
  IF NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = to_regclass('rescind.token_names') AND i.indisvalid) THEN
    RETURN NULL;
  END IF;
  v_hashes := ARRAY(SELECT hashtextextended(n, p_realm) FROM unnest(p_one) AS n);
  v_found := ARRAY(SELECT t.number FROM rescind.token t WHERE rescind.names_1(t.realm, t.facts) && v_hashes
    AND t.realm + 0 = p_realm AND t.number > p_after LIMIT ${CANDIDATES_MAX + 1});
  FOR v_set IN SELECT * FROM json_array_elements(p_all) LOOP
    EXIT WHEN cardinality(v_found) > ${CANDIDATES_MAX};
    v_hashes := ARRAY(SELECT hashtextextended(n, p_realm) FROM json_array_elements_text(v_set) AS n);
    v_found := v_found || ARRAY(SELECT t.number FROM rescind.token t WHERE rescind.names_1(t.realm, t.facts) @> v_hashes
      AND t.realm + 0 = p_realm AND t.number > p_after LIMIT ${CANDIDATES_MAX + 1});
  END LOOP;
  IF cardinality(v_found) > ${CANDIDATES_MAX} THEN
    RETURN NULL;
  END IF;
  v_found := v_found || ARRAY(SELECT t.number FROM rescind.token t
    WHERE t.handle = ANY (p_handles) AND t.realm + 0 = p_realm AND t.number > p_after);
  RETURN ARRAY(SELECT DISTINCT n FROM unnest(v_found) AS n ORDER BY n);
END
$named$;
`
