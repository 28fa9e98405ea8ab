package fogbank;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;

/** What stands behind generic types. */
final class Types {
    private static final Type[] NONE = {};

    private Types() {}

    static boolean implementsNamed(Class<?> type, String name) {
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            for (Class<?> face : each.getInterfaces()) {
                if (face.getName().equals(name) || implementsNamed(face, name)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Return the class of a type without its arguments. */
    static Class<?> raw(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return (Class<?>) ((ParameterizedType) type).getRawType();
        }
        if (type instanceof GenericArrayType) {
            Class<?> element = raw(((GenericArrayType) type).getGenericComponentType());
            return java.lang.reflect.Array.newInstance(element, 0).getClass();
        }
        if (type instanceof WildcardType) {
            return raw(((WildcardType) type).getUpperBounds()[0]);
        }
        return raw(((TypeVariable<?>) type).getBounds()[0]);
    }

    /** Return a type's argument at a place; Object where it has none. */
    static Type argument(Type type, int place) {
        Type[] arguments = type instanceof ParameterizedType ? ((ParameterizedType) type).getActualTypeArguments() : NONE;
        return place < arguments.length ? arguments[place] : Object.class;
    }

    /** Return the type of an array's elements. */
    static Type element(Type type) {
        return type instanceof GenericArrayType ? ((GenericArrayType) type).getGenericComponentType()
                : raw(type).getComponentType();
    }

    /**
     * Return what a type is where it is seen from another, in which its variables have values: a member's type seen
     * from the class it is a member of, with its arguments, or from one that inherits it.
     */
    static Type resolve(Type type, Type seenFrom) {
        if (type instanceof TypeVariable) {
            TypeVariable<?> variable = (TypeVariable<?>) type;
            if (!(variable.getGenericDeclaration() instanceof Class)) {
                return type;
            }
            Type declared = ancestor(seenFrom, (Class<?>) variable.getGenericDeclaration());
            if (declared instanceof ParameterizedType) {
                TypeVariable<?>[] variables = raw(declared).getTypeParameters();
                for (int i = 0; i < variables.length; i++) {
                    if (variables[i].equals(variable)) {
                        return ((ParameterizedType) declared).getActualTypeArguments()[i];
                    }
                }
            }
            return type;
        }
        if (type instanceof ParameterizedType) {
            ParameterizedType general = (ParameterizedType) type;
            Type[] arguments = general.getActualTypeArguments();
            for (int i = 0; i < arguments.length; i++) {
                arguments[i] = resolve(arguments[i], seenFrom);
            }
            return new Resolved(general, arguments);
        }
        return type;
    }

    /** Return a class or interface that a type inherits, with the arguments that it has there. */
    private static Type ancestor(Type type, Class<?> wanted) {
        Class<?> raw = raw(type);
        if (raw == wanted) {
            return type;
        }
        for (Type face : raw.getGenericInterfaces()) {
            if (wanted.isAssignableFrom(raw(face))) {
                return ancestor(resolve(face, type), wanted);
            }
        }
        Type above = raw.getGenericSuperclass();
        return above != null && wanted.isAssignableFrom(raw(above)) ? ancestor(resolve(above, type), wanted) : null;
    }

    private static final class Resolved implements ParameterizedType {
        private final ParameterizedType general;
        private final Type[] arguments;

        Resolved(ParameterizedType general, Type[] arguments) {
            this.general = general;
            this.arguments = arguments;
        }

        @Override
        public Type[] getActualTypeArguments() {
            return arguments.clone();
        }

        @Override
        public Type getRawType() {
            return general.getRawType();
        }

        @Override
        public Type getOwnerType() {
            return general.getOwnerType();
        }
    }
}
