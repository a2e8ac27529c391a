// A Baileys client in a process of its own. Orders come as JSON lines on stdin, facts leave on the descriptor that is
// the last argument: as with client.py. Run it with HTTPS_PROXY and NODE_EXTRA_CA_CERTS in the environment.

import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import makeWASocket, { DisconnectReason, jidDecode, useMultiFileAuthState } from '@whiskeysockets/baileys'
import { HttpsProxyAgent } from 'https-proxy-agent'
import pino from 'pino'

const [folder, descriptor] = process.argv.slice(2)
const RECONNECT_DELAY = 200
const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY)
const { state, saveCreds } = await useMultiFileAuthState(folder)
let socket

const tell = (kind, data) => writeSync(Number(descriptor), JSON.stringify({ kind, ...data }) + '\n')
const user = jid => jidDecode(jid)?.user

const orders = {
  send: async ({ to, text }) => (await socket.sendMessage(`${to}@s.whatsapp.net`, { text })).key.id,
  read: async ({ id, chat }) => socket.readMessages([{ id, remoteJid: `${chat}@s.whatsapp.net` }]),
  on_whatsapp: async ({ number }) => (await socket.onWhatsApp(number)).map(each => each.exists)
}

function connect() {
  socket = makeWASocket({
    auth: state,
    agent,
    fetchAgent: agent,
    options: { httpsAgent: agent, proxy: false }, // for axios, which fetches the history
    shouldSyncHistoryMessage: () => true,
    logger: pino({ level: 'silent' })
  })
  socket.ev.on('creds.update', saveCreds)
  socket.ev.on('connection.update', onConnection)
  socket.ev.on('messages.upsert', ({ messages }) => messages.forEach(onMessage))
  socket.ev.on('messaging-history.set', ({ messages }) => tell('history', { ids: messages.map(({ key }) => key.id) }))
  socket.ev.on('messages.update', updates =>
    updates.forEach(({ key, update }) => tell('receipt', { ids: [key.id], status: update.status ?? null }))
  )
}

function onConnection({ connection, lastDisconnect, qr }) {
  if (qr) tell('qr', { qr })
  if (connection === 'open') tell('connected')
  if (connection !== 'close') return
  const reason = lastDisconnect?.error?.output?.statusCode
  tell(reason === DisconnectReason.loggedOut ? 'logged_out' : 'disconnected', { reason })
  if (reason === DisconnectReason.restartRequired) connect()
  else if (reason !== DisconnectReason.loggedOut) setTimeout(connect, RECONNECT_DELAY)
}

function onMessage({ key, message, pushName }) {
  const text = message?.conversation || message?.extendedTextMessage?.text || ''
  const protocol = Boolean(message?.protocolMessage)
  tell('message', { id: key.id, text, chat: user(key.remoteJid), fromMe: key.fromMe, name: pushName ?? '', protocol })
}

connect()
for await (const line of createInterface({ input: process.stdin })) {
  const { do: order, arguments: given } = JSON.parse(line)
  orders[order](given).then(
    result => tell('done', { result: result ?? null }),
    error => tell('failed', { error: String(error) })
  )
}
process.exit(0)
