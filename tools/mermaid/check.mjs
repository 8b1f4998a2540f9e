// Reads texts with Mermaid's own parser, and fails when it finds an error in one.
//
//   node check.mjs file…
//
// The parser asks a browser's document to clean labels; jsdom stands in for it.
import { readFileSync } from 'node:fs'
import { JSDOM } from 'jsdom'

const { window } = new JSDOM('')
globalThis.window = window
globalThis.document = window.document
const { default: mermaid } = await import('mermaid')

const files = process.argv.slice(2)
if (files.length === 0) {
  console.error('expected the names of files to read, got none')
  process.exit(2)
}

// A parser that accepts anything would check nothing.
if (await mermaid.parse('flowchart TD\n  n0["a "quote" inside"]', { suppressErrors: true })) {
  console.error('the parser takes a text that is broken')
  process.exit(2)
}

let broken = 0
for (const file of files) {
  try {
    const { diagramType } = await mermaid.parse(readFileSync(file, 'utf8'))
    if (!diagramType.startsWith('flowchart')) throw new Error(`read as ${diagramType}`)
  } catch (err) {
    broken++
    console.error(`${file}: ${err.message}`)
  }
}
console.log(`${files.length} texts, ${broken} broken`)
process.exit(broken > 0 ? 1 : 0)
