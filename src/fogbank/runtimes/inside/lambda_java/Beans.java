package fogbank;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The properties of classes: public setters, getters and fields, named as JavaBeans names them; a record's members. */
final class Beans {
    private static final Map<Class<?>, Beans> KNOWN = new HashMap<>();

    final Map<String, Method> getters = new LinkedHashMap<>();
    final Map<String, Field> fields = new LinkedHashMap<>();
    private final Map<String, Method> setters = new HashMap<>();
    // Events of AWS's own services have members like `Records` and `eventSourceARN`.
    private final Map<String, String> anyCase = new HashMap<>();

    private Beans(Class<?> type) {
        for (Field field : type.getFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                fields.put(field.getName(), field);
                if (!Modifier.isFinal(field.getModifiers())) {
                    anyCase.putIfAbsent(lower(field.getName()), field.getName());
                }
            }
        }
        if (isRecord(type)) {
            for (Field member : members(type)) {
                fields.put(member.getName(), member);
            }
            return;
        }
        for (Method method : type.getMethods()) {
            if (!Modifier.isStatic(method.getModifiers()) && !method.isBridge() && method.getDeclaringClass() != Object.class) {
                add(method);
            }
        }
    }

    /** Whether a class is a record, of which the Java that this is compiled for doesn't know yet. */
    static boolean isRecord(Class<?> type) {
        return type.getSuperclass() != null && type.getSuperclass().getName().equals("java.lang.Record");
    }

    /** Return a record's members in their order. */
    static List<Field> members(Class<?> type) {
        List<Field> found = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                found.add(field);
            }
        }
        return found;
    }

    static Beans of(Class<?> type) {
        synchronized (KNOWN) {
            Beans beans = KNOWN.get(type);
            if (beans == null) {
                beans = new Beans(type);
                KNOWN.put(type, beans);
            }
            return beans;
        }
    }

    /** Return what sets a property: a method, or else a field; null if there is none. */
    Object writer(String name) {
        Object found = exactWriter(name);
        String other = found == null ? anyCase.get(lower(name)) : null;
        return other == null ? found : exactWriter(other);
    }

    private Object exactWriter(String name) {
        Method setter = setters.get(name);
        if (setter != null) {
            return setter;
        }
        Field field = fields.get(name);
        return field == null || Modifier.isFinal(field.getModifiers()) ? null : field;
    }

    private void add(Method method) {
        String name = method.getName();
        Type returned = method.getReturnType();
        if (method.getParameterCount() == 1 && isPrefixed(name, "set")) {
            String property = decapitalise(name.substring(3));
            Method known = setters.get(property);
            // Of several, the one whose type the getter has is as good as any that takes more than an Object.
            if (known == null || known.getParameterTypes()[0] == Object.class) {
                setters.put(property, method);
            }
            anyCase.put(lower(property), property);
        } else if (method.getParameterCount() == 0 && returned != void.class) {
            if (isPrefixed(name, "get")) {
                put(decapitalise(name.substring(3)), method);
            } else if (isPrefixed(name, "is") && (returned == boolean.class || returned == Boolean.class)) {
                put(decapitalise(name.substring(2)), method);
            }
        }
    }

    private void put(String property, Method getter) {
        // A public method of a class that isn't public.
        getter.setAccessible(true);
        getters.put(property, getter);
    }

    private static boolean isPrefixed(String name, String prefix) {
        return name.length() > prefix.length() && name.startsWith(prefix);
    }

    /** JavaBeans, "Capitalization of inferred names": `URL` stays as it is. */
    private static String decapitalise(String name) {
        if (name.length() > 1 && Character.isUpperCase(name.charAt(0)) && Character.isUpperCase(name.charAt(1))) {
            return name;
        }
        return Character.toLowerCase(name.charAt(0)) + name.substring(1);
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
