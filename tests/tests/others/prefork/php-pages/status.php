<?php
$how = $_GET['how'] ?? '';
header('Content-Type: text/plain; charset=utf-8');
switch ($how) {
    case 'code': http_response_code((int) $_GET['code']); echo "code\n"; break;
    case 'line': header('HTTP/1.1 418 I am a teapot'); echo "teapot\n"; break;
    case 'old': header('HTTP/1.0 404 Nowhere'); echo "nowhere\n"; break;
    case 'status': header('Status: 402 Pay'); echo "pay\n"; break;
    case 'location': header('Location: /elsewhere'); exit;
    case 'created': header('Location: /made', true, 201); echo "made\n"; break;
    case 'two': header('X-Two: 1'); header('X-Two: 2', false); echo "two\n"; break;
    case 'replaced': header('X-One: 1'); header('X-One: 2'); header('X-Gone: 1'); header_remove('X-Gone'); echo "one\n"; break;
    case 'cookies': setcookie('a', 'b c', 0, '/p', 'test.example', true, true); setcookie('d', 'e'); echo "cookies\n"; break;
    case 'nothing': http_response_code(204); break;
    case 'unmodified': http_response_code(304); header('ETag: "x"'); break;
    case 'length': header('Content-Length: 5'); echo '12345'; break;
    case 'powered': header_remove('X-Powered-By'); echo "not powered\n"; break;
    case 'auth': header('WWW-Authenticate: Basic realm="here"'); http_response_code(401); echo "who?\n"; break;
    case 'type': header('Content-Type: image/x-none'); echo "image\n"; break;
    case 'none': header_remove('Content-Type'); ini_set('default_mimetype', ''); echo "untyped\n"; break;
    case 'late': echo str_repeat('x', 10000); flush(); header('X-Late: 1'); echo headers_sent() ? "sent\n" : "unsent\n"; break;
    case 'empty': break;
    case 'list': header('X-A: b'); echo json_encode(headers_list()), "\n"; break;
    case 'callback': header_register_callback(function () { header('X-Called: back'); }); echo "called\n"; break;
    default: http_response_code(400); echo "how?\n";
}
