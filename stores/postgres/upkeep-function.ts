import { DURABLY, REFUSE_ELSEWHERE, REFUSE_MOVED } from './setup-functions.ts'

/**
 * Says which node does the upkeep. `p_node` takes it over if nobody has it, or from `p_owner`, which it has seen standing
 * still: the fence and the counter of heartbeats are as they were then. Each change of hands raises the fence.
 */
export const UPKEEP_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.upkeep_1(
  p_node uuid, p_place text, p_owner uuid, p_fence bigint, p_counter bigint,
  OUT owner uuid, OUT fence bigint, OUT counter bigint, OUT bound_ms integer
) LANGUAGE plpgsql VOLATILE AS $upkeep$
BEGIN
  PERFORM set_config('lock_timeout', '1000', true);
${DURABLY}${REFUSE_ELSEWHERE}${REFUSE_MOVED}
  INSERT INTO rescind.upkeep AS u (owner, fence) VALUES (p_node, 1)
    ON CONFLICT (one) DO UPDATE SET owner = p_node, fence = u.fence + 1
    WHERE u.owner <> p_node AND u.owner = p_owner AND u.fence = p_fence
      AND (SELECT l.counter FROM rescind.lease l WHERE l.node = u.owner) IS NOT DISTINCT FROM p_counter;
  SELECT u.owner, u.fence, l.counter, l.bound_ms INTO owner, fence, counter, bound_ms
    FROM rescind.upkeep u LEFT JOIN rescind.lease l ON l.node = u.owner;
END
$upkeep$;
`
