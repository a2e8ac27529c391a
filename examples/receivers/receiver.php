<?php
// A webhook receiver: checks the signature of every event, prints it, and answers an order. PHP alone, no packages.
//
// php examples/receivers/receiver.php PORT SECRET

// An event that is older than this may be a recording that somebody plays again, s.
const TOLERANCE = 300;

if (PHP_SAPI === 'cli') { // started by hand: PHP's own web server runs this file for each request, as any other would
    [, $port, $secret] = $argv;
    putenv("RECEIVER_SECRET=$secret");
    passthru('exec ' . escapeshellarg(PHP_BINARY) . " -q -S 127.0.0.1:$port " . escapeshellarg(__FILE__));
    exit;
}

// The key is the secret and the username header; the message is the body, byte by byte. Headers are Latin-1, the key UTF-8.
function is_signed(array $headers, string $body): bool
{
    if (!preg_match('/^HMAC-SHA(224|256|384|512)$/D', $headers['X-WAREST-Signature-Alg'] ?? '', $found)) {
        return false;
    }
    $signature = explode('=', $headers['X-WAREST-Signature'] ?? '')[1] ?? '';
    $key = getenv('RECEIVER_SECRET') . iconv('ISO-8859-1', 'UTF-8', $headers['X-WAREST-Username'] ?? '');
    return hash_equals(hash_hmac("sha$found[1]", $body, $key), $signature);
}

// By the time in the body, which is signed; that in the header is not.
function is_fresh(array $event): bool
{
    return abs(time() - $event['ts'] / 1000) < TOLERANCE;
}

// The body again, for frameworks that give only what they have parsed. Objects must not become arrays: {} would be [].
// A few numbers look otherwise in PHP.
function rewritten(string $body): string
{
    $parsed = json_decode($body, false);
    return json_encode($parsed, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS);
}

// What is to be done is in the answer: see docs/actions.md.
function answer_to(array $event): array
{
    if ($event['event'] === 'message_received' && $event['data']['text'] === 'order') {
        $text = ['type' => 'text', 'to' => '{{sender.chatId}}', 'text' => "Your order is in PHP's hands"];
        return ['actions' => [$text]];
    }
    return ['ok' => true];
}

function answer(int $status, array $told): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($told);
}

function refuse(string $reason): void
{
    note('REFUSED', $reason);
    answer(401, ['ok' => false, 'message' => $reason]);
}

function note(string ...$words): void
{
    file_put_contents('php://stdout', implode(' ', $words) . "\n");
}

$headers = getallheaders();
$body = file_get_contents('php://input');
if (($headers['X-WAREST-Event'] ?? '') === 'preflight') { // somebody asks whether we are here
    answer(200, ['ok' => true, 'pong' => true]);
} elseif (!is_signed($headers, $body)) {
    refuse('Invalid signature');
} elseif (!is_fresh($event = json_decode($body, true))) {
    refuse('Stale timestamp');
} else {
    answer(200, answer_to($event));
    $again = is_signed($headers, rewritten($body)) ? 'ok' : 'DIFFERS';
    $text = json_encode(($event['data']['text'] ?? '') ?: ($event['data']['tags'] ?? ''), JSON_UNESCAPED_UNICODE);
    note($event['event'], $event['data']['eventId'], 'raw=ok', "rewritten=$again", $text);
}
