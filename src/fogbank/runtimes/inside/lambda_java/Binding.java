package fogbank;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Values of Java's types from JSON, and back, as AWS's default serialiser has them: no annotations, unknown members
 * are ignored, properties that are null are left out. Binary is Base64, dates are milliseconds; what has a static
 * `parse` or a constructor that takes a text is made from one, and written as `toString` has it.
 *
 * AWS Lambda Developer Guide, "Define Lambda function handler in Java": "JSON serialization".
 */
final class Binding {
    private static final int DEPTH_MAX = 500;

    private Binding() {}

    static Object read(Object tree, Type type) {
        Class<?> raw = Types.raw(type);
        if (raw == Optional.class) {
            return Optional.ofNullable(tree == null ? null : read(tree, Types.argument(type, 0)));
        }
        if (tree == null) {
            return raw.isPrimitive() ? Array.get(Array.newInstance(raw, 1), 0) : null;
        }
        if (raw == Object.class || (raw == Number.class && tree instanceof Number)) {
            return tree;
        }
        if (tree instanceof Map) {
            return readObject((Map<?, ?>) tree, type, raw);
        }
        if (raw.isArray() && raw != byte[].class && raw != char[].class) {
            return readArray(tree, Types.element(type));
        }
        if (Collection.class.isAssignableFrom(raw)) {
            return readCollection(tree, type, raw);
        }
        if (tree instanceof List) {
            throw mismatch(raw, "an array");
        }
        return readScalar(tree, raw);
    }

    private static Object readObject(Map<?, ?> tree, Type type, Class<?> raw) {
        if (Map.class.isAssignableFrom(raw)) {
            return readMap(tree, type, raw);
        }
        if (raw == String.class || raw.isPrimitive() || raw.isEnum() || raw.isArray() || Number.class.isAssignableFrom(raw)
                || Collection.class.isAssignableFrom(raw) || raw == Boolean.class || raw == Character.class) {
            throw mismatch(raw, "an object");
        }
        if (Beans.isRecord(raw)) {
            return readRecord(tree, type, raw);
        }
        Object made = construct(raw);
        Beans beans = Beans.of(raw);
        for (Map.Entry<?, ?> entry : tree.entrySet()) {
            Object writer = beans.writer((String) entry.getKey());
            if (writer != null) {
                set(made, writer, entry.getValue(), type);
            }
        }
        return made;
    }

    private static Object readRecord(Map<?, ?> tree, Type type, Class<?> raw) {
        List<Field> members = Beans.members(raw);
        Class<?>[] types = new Class<?>[members.size()];
        Object[] values = new Object[members.size()];
        for (int i = 0; i < types.length; i++) {
            Field member = members.get(i);
            types[i] = member.getType();
            values[i] = read(tree.get(member.getName()), Types.resolve(member.getGenericType(), type));
        }
        try {
            Constructor<?> constructor = raw.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values);
        } catch (InvocationTargetException error) {
            throw new IllegalArgumentException(error.getCause().getMessage(), error.getCause());
        } catch (ReflectiveOperationException error) {
            throw mismatch(raw, "an object");
        }
    }

    private static void set(Object made, Object writer, Object value, Type owner) {
        try {
            if (writer instanceof Method) {
                Method setter = (Method) writer;
                setter.setAccessible(true);
                setter.invoke(made, read(value, Types.resolve(setter.getGenericParameterTypes()[0], owner)));
            } else {
                Field field = (Field) writer;
                field.setAccessible(true);
                field.set(made, read(value, Types.resolve(field.getGenericType(), owner)));
            }
        } catch (InvocationTargetException error) {
            throw new IllegalArgumentException(error.getCause().getMessage(), error.getCause());
        } catch (IllegalAccessException error) {
            throw new IllegalArgumentException(error.getMessage(), error);
        }
    }

    @SuppressWarnings("unchecked")
    private static Object readMap(Map<?, ?> tree, Type type, Class<?> raw) {
        Map<Object, Object> made = raw.isAssignableFrom(LinkedHashMap.class) ? new LinkedHashMap<>()
                : raw == HashMap.class ? new HashMap<>() : (Map<Object, Object>) construct(raw, java.util.TreeMap.class);
        Type keys = Types.argument(type, 0);
        Type values = Types.argument(type, 1);
        for (Map.Entry<?, ?> entry : tree.entrySet()) {
            made.put(keys == Object.class ? entry.getKey() : read(entry.getKey(), keys), read(entry.getValue(), values));
        }
        return made;
    }

    @SuppressWarnings("unchecked")
    private static Object readCollection(Object tree, Type type, Class<?> raw) {
        Collection<Object> made = raw.isAssignableFrom(ArrayList.class) ? new ArrayList<>()
                : raw.isAssignableFrom(LinkedHashSet.class) ? new LinkedHashSet<>()
                : raw == HashSet.class ? new HashSet<>() : (Collection<Object>) construct(raw, java.util.TreeSet.class);
        Type element = Types.argument(type, 0);
        // As AWS's does, one value is a list of one.
        for (Object each : tree instanceof List ? (List<?>) tree : List.of(tree)) {
            made.add(read(each, element));
        }
        return made;
    }

    private static Object readArray(Object tree, Type element) {
        List<?> values = tree instanceof List ? (List<?>) tree : List.of(tree);
        Object made = Array.newInstance(Types.raw(element), values.size());
        for (int i = 0; i < values.size(); i++) {
            Array.set(made, i, read(values.get(i), element));
        }
        return made;
    }

    private static Object readScalar(Object tree, Class<?> raw) {
        if (raw == String.class || raw == CharSequence.class) {
            return tree.toString();
        }
        if (raw == boolean.class || raw == Boolean.class) {
            return tree instanceof Boolean ? tree : Boolean.valueOf(tree.toString());
        }
        if (raw.isPrimitive() || Number.class.isAssignableFrom(raw) || raw == Character.class) {
            return readNumber(tree, raw);
        }
        if (raw.isEnum()) {
            for (Object constant : raw.getEnumConstants()) {
                if (((Enum<?>) constant).name().equals(tree.toString())) {
                    return constant;
                }
            }
            return null;
        }
        if (raw == byte[].class || raw == ByteBuffer.class) {
            byte[] bytes = Base64.getDecoder().decode(tree.toString());
            return raw == byte[].class ? bytes : ByteBuffer.wrap(bytes);
        }
        if (raw == char[].class) {
            return tree.toString().toCharArray();
        }
        if (raw == Date.class && tree instanceof Number) {
            return new Date(((Number) tree).longValue());
        }
        return readText(tree, raw);
    }

    private static Object readNumber(Object tree, Class<?> raw) {
        if (raw == char.class || raw == Character.class) {
            return tree.toString().charAt(0);
        }
        try {
            BigDecimal number = tree instanceof Double ? BigDecimal.valueOf((Double) tree) : new BigDecimal(tree.toString());
            if (raw == int.class || raw == Integer.class) {
                return number.toBigInteger().intValueExact();
            } else if (raw == long.class || raw == Long.class) {
                return number.toBigInteger().longValueExact();
            } else if (raw == double.class || raw == Double.class) {
                return number.doubleValue();
            } else if (raw == float.class || raw == Float.class) {
                return number.floatValue();
            } else if (raw == short.class || raw == Short.class) {
                return number.toBigInteger().shortValueExact();
            } else if (raw == byte.class || raw == Byte.class) {
                return number.toBigInteger().byteValueExact();
            } else if (raw == BigInteger.class) {
                return number.toBigInteger();
            } else if (raw == BigDecimal.class) {
                return number;
            }
            return readText(tree, raw);
        } catch (ArithmeticException | NumberFormatException error) {
            throw mismatch(raw, Json.write(tree));
        }
    }

    private static Object readText(Object tree, Class<?> raw) {
        try {
            for (Class<?> taken : new Class<?>[] {String.class, CharSequence.class}) {
                for (String name : new String[] {"parse", "fromString", "of"}) {
                    Method parse = method(raw, name, taken);
                    if (parse != null) {
                        return parse.invoke(null, tree.toString());
                    }
                }
            }
            Constructor<?> constructor = raw.getConstructor(String.class);
            return constructor.newInstance(tree.toString());
        } catch (InvocationTargetException error) {
            throw new IllegalArgumentException(error.getCause().getMessage(), error.getCause());
        } catch (ReflectiveOperationException error) {
            throw mismatch(raw, Json.write(tree));
        }
    }

    private static Method method(Class<?> raw, String name, Class<?> taken) {
        try {
            Method found = raw.getMethod(name, taken);
            return Modifier.isStatic(found.getModifiers()) && raw.isAssignableFrom(found.getReturnType()) ? found : null;
        } catch (NoSuchMethodException error) {
            return null;
        }
    }

    /** Construct a class, or in place of an abstract one another that may stand for it. */
    private static Object construct(Class<?> raw, Class<?> other) {
        return construct(Modifier.isAbstract(raw.getModifiers()) && raw.isAssignableFrom(other) ? other : raw);
    }

    private static Object construct(Class<?> raw) {
        try {
            Constructor<?> constructor = raw.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (InvocationTargetException error) {
            throw new IllegalArgumentException(error.getCause().getMessage(), error.getCause());
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException("Cannot construct instance of `" + raw.getName()
                    + "`: it has no zero-argument constructor", error);
        }
    }

    private static IllegalArgumentException mismatch(Class<?> raw, String found) {
        return new IllegalArgumentException("Cannot deserialize value of type `" + raw.getTypeName() + "` from " + found);
    }

    static void write(Object value, StringBuilder out, int depth) {
        if (depth > DEPTH_MAX) {
            throw new IllegalArgumentException("Document nesting depth exceeds the maximum allowed (" + DEPTH_MAX + ")");
        }
        if (value == null) {
            out.append("null");
        } else if (value instanceof Boolean || value instanceof Integer || value instanceof Long || value instanceof Short
                || value instanceof Byte || value instanceof BigInteger || value instanceof BigDecimal) {
            out.append(value);
        } else if (value instanceof Number) {
            double number = ((Number) value).doubleValue();
            if (Double.isNaN(number) || Double.isInfinite(number)) {
                writeText(value.toString(), out);
            } else {
                out.append(value);
            }
        } else if (value instanceof CharSequence || value instanceof Character || value instanceof Enum) {
            writeText(value instanceof Enum ? ((Enum<?>) value).name() : value.toString(), out);
        } else if (value instanceof Map) {
            writeMap((Map<?, ?>) value, out, depth);
        } else if (value instanceof Iterable && !(value instanceof java.nio.file.Path)) {
            char before = '[';
            for (Object each : (Iterable<?>) value) {
                out.append(before);
                write(each, out, depth + 1);
                before = ',';
            }
            out.append(before == '[' ? "[]" : "]");
        } else {
            writeOther(value, out, depth);
        }
    }

    private static void writeOther(Object value, StringBuilder out, int depth) {
        if (value instanceof byte[]) {
            writeText(Base64.getEncoder().encodeToString((byte[]) value), out);
        } else if (value instanceof ByteBuffer) {
            ByteBuffer bytes = ((ByteBuffer) value).duplicate();
            byte[] array = new byte[bytes.remaining()];
            bytes.get(array);
            writeText(Base64.getEncoder().encodeToString(array), out);
        } else if (value instanceof char[]) {
            writeText(new String((char[]) value), out);
        } else if (value.getClass().isArray()) {
            List<Object> elements = new ArrayList<>();
            for (int i = 0; i < Array.getLength(value); i++) {
                elements.add(Array.get(value, i));
            }
            write(elements, out, depth);
        } else if (value instanceof Date) {
            out.append(((Date) value).getTime());
        } else if (value instanceof Optional) {
            write(((Optional<?>) value).orElse(null), out, depth + 1);
        } else if (value.getClass().getName().startsWith("java.") || value.getClass().getName().startsWith("org.joda.time.")) {
            writeText(value.toString(), out);
        } else {
            writeBean(value, out, depth);
        }
    }

    private static void writeMap(Map<?, ?> value, StringBuilder out, int depth) {
        char before = '{';
        for (Map.Entry<?, ?> entry : value.entrySet()) {
            out.append(before);
            writeText(String.valueOf(entry.getKey()), out);
            out.append(':');
            write(entry.getValue(), out, depth + 1);
            before = ',';
        }
        out.append(before == '{' ? "{}" : "}");
    }

    private static void writeBean(Object value, StringBuilder out, int depth) {
        Beans beans = Beans.of(value.getClass());
        Map<String, Object> found = new LinkedHashMap<>();
        try {
            for (Map.Entry<String, Field> entry : beans.fields.entrySet()) {
                entry.getValue().setAccessible(true);
                found.put(entry.getKey(), entry.getValue().get(value));
            }
            for (Map.Entry<String, Method> entry : beans.getters.entrySet()) {
                found.put(entry.getKey(), entry.getValue().invoke(value));
            }
        } catch (InvocationTargetException error) {
            throw new IllegalArgumentException(error.getCause().getMessage(), error.getCause());
        } catch (IllegalAccessException error) {
            throw new IllegalArgumentException(error.getMessage(), error);
        }
        found.values().removeIf(new java.util.function.Predicate<Object>() {
            @Override
            public boolean test(Object each) {
                return each == null;
            }
        });
        writeMap(found, out, depth);
    }

    private static void writeText(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int known = "\"\\\b\f\n\r\t".indexOf(c);
            if (known >= 0) {
                out.append('\\').append("\"\\bfnrt".charAt(known));
            } else if (c < ' ' || Character.isSurrogate(c) && !isPair(text, i)) {
                out.append("\\u");
                for (int shift = 12; shift >= 0; shift -= 4) {
                    out.append("0123456789abcdef".charAt(c >> shift & 15));
                }
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private static boolean isPair(String text, int at) {
        return Character.isHighSurrogate(text.charAt(at))
                ? at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1))
                : at > 0 && Character.isHighSurrogate(text.charAt(at - 1));
    }
}
