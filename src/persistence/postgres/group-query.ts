/** The pids of the processes of a group that are not pruned, by its name. */
export const OF_GROUP = `SELECT m.pid FROM @member AS m WHERE m.grp = (SELECT g.id FROM @grp AS g WHERE g.name = ?) AND m.present`

/** The columns of a group as it is reported. */
export const GROUP_COLUMNS = `g.id, g.name, g.ordered = 1 AS ordered, g.parent, g.created_at AS "createdAt", g.length,
  g.chunk_size AS "chunkSize", (SELECT count(*) FROM @member AS m WHERE m.grp = g.id) AS launched`
