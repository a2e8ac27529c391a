# A webhook receiver: checks the signature of every event, prints it, and answers an order. Ruby alone, no gems.
#
# ruby examples/receivers/receiver.rb PORT SECRET

require "json"
require "openssl"
require "socket"

# An event that is older than this may be a recording that somebody plays again, s.
TOLERANCE = 300

PORT, SECRET = ARGV

# The key is the secret and the username header; the message is the body, byte by byte. Headers are Latin-1, the key UTF-8.
def signed?(headers, body)
  bits = headers["x-warest-signature-alg"].to_s[/\AHMAC-SHA(224|256|384|512)\z/, 1] or return false
  signature = headers["x-warest-signature"].to_s.split("=")[1].to_s
  key = SECRET + headers["x-warest-username"].to_s.encode("UTF-8", "ISO-8859-1")
  OpenSSL.secure_compare(OpenSSL::HMAC.hexdigest("SHA#{bits}", key, body), signature)
end

# By the time in the body, which is signed; that in the header is not.
def fresh?(event)
  (Time.now.to_f - event["ts"] / 1000.0).abs < TOLERANCE
end

# What is to be done is in the answer: see docs/actions.md.
def answer_to(event)
  return { ok: true } unless event["event"] == "message_received" && event["data"]["text"] == "order"

  { actions: [{ type: "text", to: "{{sender.chatId}}", text: "Your order is in Ruby's hands" }] }
end

def refuse(reason)
  puts "REFUSED #{reason}"
  [401, { ok: false, message: reason }]
end

# Status and answer.
def received(headers, body)
  return 200, { ok: true, pong: true } if headers["x-warest-event"] == "preflight" # somebody asks whether we are here

  return refuse("Invalid signature") unless signed?(headers, body)

  event = JSON.parse(body)
  return refuse("Stale timestamp") unless fresh?(event)

  data = event["data"]
  # For frameworks that give only what they have parsed: the body again. A few numbers look otherwise in Ruby.
  again = signed?(headers, JSON.generate(event)) ? "ok" : "DIFFERS"
  text = [data["text"], data["tags"]].find { |each| !each.to_s.empty? }
  puts "#{event["event"]} #{data["eventId"]} raw=ok rewritten=#{again} #{text.to_s.to_json}"
  [200, answer_to(event)]
end

# One request. Rack, on which Rails and Sinatra stand, has the same as request.body.read and request.env.
def serve(client)
  client.gets or return
  headers = client.each_line("\r\n", chomp: true).take_while { |line| !line.empty? }
                  .to_h { |line| line.split(/:\s*/, 2).then { |name, value| [name.downcase, value] } }
  status, told = received(headers, client.read(headers["content-length"].to_i).force_encoding("UTF-8"))
  answer = JSON.generate(told)
  client.write("HTTP/1.1 #{status} Done\r\nContent-Type: application/json\r\n" \
               "Content-Length: #{answer.bytesize}\r\nConnection: close\r\n\r\n#{answer}")
ensure
  client.close
end

$stdout.sync = true
server = TCPServer.new("127.0.0.1", PORT.to_i)
loop { Thread.new(server.accept) { |client| serve(client) } }
