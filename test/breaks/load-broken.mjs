/* Loaded before a program that is compiled: puts a broken module into the place of a whole one. */
import { register } from 'node:module'

const { file, source } = JSON.parse(process.env.DAMSON_BROKEN ?? '')
const hook = `
let broken
export function initialize(data) { broken = data }
export async function load(url, context, next) {
  if (!url.endsWith('/' + broken.file)) return next(url, context)
  return { format: 'module', source: broken.source, shortCircuit: true }
}
`
register(`data:text/javascript,${encodeURIComponent(hook)}`, { data: { file, source } })
