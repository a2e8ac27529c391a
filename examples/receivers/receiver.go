// A webhook receiver: checks the signature of every event, prints it, and answers an order. The standard library only.
//
// go run examples/receivers/receiver.go PORT SECRET
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

// An event that is older than this may be a recording that somebody plays again.
const tolerance = 300 * time.Second

var algorithms = map[string]func() hash.Hash{
	"HMAC-SHA224": sha256.New224, "HMAC-SHA256": sha256.New, "HMAC-SHA384": sha512.New384, "HMAC-SHA512": sha512.New,
}

type event struct {
	Event string
	Ts    int64
	Data  struct{ Text, Tags, EventId string }
}

// The key is the secret and the username header; the message is the body, byte by byte.
func isSigned(headers http.Header, body []byte, secret string) bool {
	algorithm, isKnown := algorithms[headers.Get("X-WAREST-Signature-Alg")]
	if !isKnown {
		return false
	}
	_, signature, _ := strings.Cut(headers.Get("X-WAREST-Signature"), "=")
	mac := hmac.New(algorithm, []byte(secret+decoded(headers.Get("X-WAREST-Username"))))
	mac.Write(body)
	return hmac.Equal([]byte(signature), []byte(hex.EncodeToString(mac.Sum(nil))))
}

// Headers are Latin-1, the key is UTF-8.
func decoded(header string) string {
	letters := make([]rune, len(header))
	for at := range letters {
		letters[at] = rune(header[at])
	}
	return string(letters)
}

// By the time in the body, which is signed; that in the header is not.
func isFresh(told event) bool {
	return time.Since(time.UnixMilli(told.Ts)).Abs() < tolerance
}

// What is to be done is in the answer: see docs/actions.md.
func answerTo(told event) string {
	if told.Event == "message_received" && told.Data.Text == "order" {
		return `{"actions":[{"type":"text","to":"{{sender.chatId}}","text":"Your order is in Go's hands"}]}`
	}
	return `{"ok":true}`
}

func refuse(writer http.ResponseWriter, reason string) {
	fmt.Println("REFUSED", reason)
	writer.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintf(writer, `{"ok":false,"message":%q}`, reason)
}

func receive(writer http.ResponseWriter, request *http.Request, secret string) {
	headers := request.Header
	body, err := io.ReadAll(request.Body)
	writer.Header().Set("Content-Type", "application/json")
	if headers.Get("X-WAREST-Event") == "preflight" { // somebody asks whether we are here
		io.WriteString(writer, `{"ok":true,"pong":true}`)
		return
	}
	var told event
	if err != nil || !isSigned(headers, body, secret) || json.Unmarshal(body, &told) != nil {
		refuse(writer, "Invalid signature")
		return
	}
	if !isFresh(told) {
		refuse(writer, "Stale timestamp")
		return
	}
	io.WriteString(writer, answerTo(told))
	text := told.Data.Text
	if text == "" {
		text = told.Data.Tags
	}
	// Only the raw body can be checked here: a map of Go's forgets in which order the names stood.
	fmt.Printf("%s %s raw=ok rewritten=- %q\n", told.Event, told.Data.EventId, text)
}

func main() {
	port, secret := os.Args[1], os.Args[2]
	http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) { receive(writer, request, secret) })
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
