package fogbank;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON (RFC 8259) from text to maps, lists, texts, numbers, booleans and null, and back from any value. */
final class Json {
    private static final int DEPTH_MAX = 1000;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    static Object read(String text) {
        Json reader = new Json(text);
        Object value = reader.value();
        reader.skip();
        if (reader.at < text.length()) {
            throw reader.unexpected();
        }
        return value;
    }

    static String write(Object value) {
        StringBuilder out = new StringBuilder();
        Binding.write(value, out, 0);
        return out.toString();
    }

    private Object value() {
        skip();
        if (at >= text.length()) {
            throw unexpected();
        }
        switch (text.charAt(at)) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return literal("true", Boolean.TRUE);
            case 'f':
                return literal("false", Boolean.FALSE);
            case 'n':
                return literal("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> found = new LinkedHashMap<>();
        enter();
        if (!closes('}')) {
            do {
                skip();
                if (at >= text.length() || text.charAt(at) != '"') {
                    throw unexpected();
                }
                String name = string();
                skip();
                expect(':');
                found.put(name, value());
            } while (goesOn('}'));
        }
        depth--;
        return found;
    }

    private List<Object> array() {
        List<Object> found = new ArrayList<>();
        enter();
        if (!closes(']')) {
            do {
                found.add(value());
            } while (goesOn(']'));
        }
        depth--;
        return found;
    }

    private void enter() {
        at++;
        if (++depth > DEPTH_MAX) {
            throw new IllegalArgumentException("Document nesting depth exceeds the maximum allowed (" + DEPTH_MAX + ")");
        }
    }

    private boolean closes(char end) {
        skip();
        if (at < text.length() && text.charAt(at) == end) {
            at++;
            return true;
        }
        return false;
    }

    private boolean goesOn(char end) {
        if (closes(end)) {
            return false;
        }
        expect(',');
        return true;
    }

    private void expect(char wanted) {
        if (at >= text.length() || text.charAt(at) != wanted) {
            throw unexpected();
        }
        at++;
    }

    private void skip() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private Object literal(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw unexpected();
        }
        at += word.length();
        return value;
    }

    private Object number() {
        int begin = at;
        boolean whole = true;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '.' || c == 'e' || c == 'E') {
                whole = false;
            } else if ((c < '0' || c > '9') && c != '-' && c != '+') {
                break;
            }
            at++;
        }
        String digits = text.substring(begin, at);
        try {
            if (!whole) {
                return Double.valueOf(digits);
            }
            if (digits.length() > 18) {
                BigInteger number = new BigInteger(digits);
                return number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
            }
            long number = Long.parseLong(digits);
            return number == (int) number ? (Object) (int) number : (Object) number;
        } catch (NumberFormatException error) {
            at = begin;
            throw unexpected();
        }
    }

    private String string() {
        StringBuilder found = new StringBuilder();
        at++;
        while (true) {
            int begin = at;
            while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\\') {
                at++;
            }
            if (at >= text.length()) {
                throw unexpected();
            }
            found.append(text, begin, at);
            if (text.charAt(at++) == '"') {
                return found.toString();
            }
            found.append(escaped());
        }
    }

    private char escaped() {
        if (at >= text.length()) {
            throw unexpected();
        }
        char c = text.charAt(at++);
        int known = "\"\\/bfnrt".indexOf(c);
        if (known >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(known);
        }
        if (c != 'u' || at + 4 > text.length()) {
            throw unexpected();
        }
        try {
            char code = (char) Integer.parseInt(text.substring(at, at + 4), 16);
            at += 4;
            return code;
        } catch (NumberFormatException error) {
            throw unexpected();
        }
    }

    private IllegalArgumentException unexpected() {
        if (at >= text.length()) {
            return new IllegalArgumentException("Unexpected end-of-input at position " + at);
        }
        return new IllegalArgumentException("Unexpected character ('" + text.charAt(at) + "') at position " + at);
    }
}
