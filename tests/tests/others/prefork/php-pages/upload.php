<?php
header('Content-Type: text/plain');
foreach ($_FILES as $field => $file) {
    $known = $file; unset($known['tmp_name']);
    echo $field, ' ', json_encode($known), "\n";
    foreach ((array) $file['tmp_name'] as $at => $name) {
        if ($name === '') { continue; }
        $to = $_SERVER['STATE'] . '/' . $field . $at;
        echo is_uploaded_file($name) ? 'uploaded' : 'no upload', ' ', md5_file($name), ' ';
        var_dump(move_uploaded_file($name, $to), filesize($to), file_exists($name));
    }
}
echo json_encode($_POST), "\n";
var_dump(move_uploaded_file(__FILE__, $_SERVER['STATE'] . '/stolen'));
