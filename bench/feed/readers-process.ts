/**
 * Plain sockets that read one stream each, from any server. Counts events by a marker, and reports when the last reader
 * has had each one.
 */
import { connect, type Socket } from 'node:net'

const [port = '0', count = '1', greeting = '', marker = ''] = process.argv.slice(2)
const MARKER = Buffer.from(marker)
const readers = Number(count)
/** How many readers have had the nth event. */
const had: number[] = []
let connected = 0

function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

function read(socket: Socket): void {
  let seen = 0
  let tail = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    // A marker may be split over two chunks.
    const text = tail.length === 0 ? chunk : Buffer.concat([tail, chunk])
    let at = text.indexOf(MARKER)
    let last = 0
    for (; at >= 0; at = text.indexOf(MARKER, last)) {
      last = at + MARKER.length
      had[seen] = (had[seen] ?? 0) + 1
      if (had[seen] === readers) process.send?.({ nth: seen, atMs: nowMs() })
      seen += 1
    }
    tail = Buffer.from(text.subarray(Math.max(last, text.length - MARKER.length + 1)))
  })
}

for (let nth = 0; nth < readers; nth += 1) {
  const socket = connect(Number(port), '127.0.0.1', () => {
    socket.write(greeting.replaceAll('\\r\\n', '\r\n'))
    connected += 1
    if (connected === readers) process.send?.({ connected })
  })
  socket.setNoDelay(true)
  read(socket)
}
process.on('disconnect', () => process.exit(0))
