package fogbank;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A function's handler: found, constructed and called as AWS's Java runtime does.
 *
 * AWS Lambda Developer Guide, "Define Lambda function handler in Java": `package.Class::method`, or a class that
 * implements RequestHandler or RequestStreamHandler.
 */
final class Handler {
    private static final String AWS = "com.amazonaws.services.lambda.runtime.";
    private static final String CONTEXT = AWS + "Context";
    private static final int PARAMETERS_MAX = 3;

    private final Object instance;
    private final Method method;
    private final Class<?> owner;
    private final Fault broken;

    private Handler(Object instance, Method method, Class<?> owner, Fault broken) {
        this.instance = instance;
        this.method = method;
        this.owner = owner;
        this.broken = broken;
    }

    /** Load a handler. What is thrown is an error of the initialisation; other faults are each invocation's. */
    static Handler load(String name, String code, String layers) throws Fault {
        ClassLoader loader = new URLClassLoader(classPath(code, layers), ClassLoader.getSystemClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        int colons = name.lastIndexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String methodName = colons < 0 ? null : name.substring(colons + 2);
        try {
            if (className.isEmpty() || (methodName != null && methodName.isEmpty())) {
                throw new Fault("Invalid handler: `" + name + "'");
            }
            Class<?> owner = load(className, loader);
            Method method = methodName == null ? ofInterface(owner) : named(owner, methodName);
            // A public method of a class that isn't public.
            method.setAccessible(true);
            return new Handler(Modifier.isStatic(method.getModifiers()) ? null : construct(owner), method, owner, null);
        } catch (Fault fault) {
            if (fault.fatal) {
                throw fault;
            }
            return new Handler(null, null, null, fault);
        }
    }

    /** Run an invocation; returns the result's bytes. */
    byte[] call(byte[] event, Contexts context) throws Fault {
        if (broken != null) {
            throw broken;
        }
        try {
            ByteArrayOutputStream output = null;
            boolean reads = false;
            Class<?>[] types = method.getParameterTypes();
            Object[] arguments = new Object[types.length];
            for (int i = 0; i < types.length; i++) {
                if (types[i] == InputStream.class) {
                    arguments[i] = new ByteArrayInputStream(event);
                    reads = true;
                } else if (types[i] == OutputStream.class) {
                    arguments[i] = output = new ByteArrayOutputStream();
                } else if (isContext(types[i])) {
                    arguments[i] = context.as(types[i]);
                } else {
                    arguments[i] = parse(event, method.getGenericParameterTypes()[i]);
                }
            }
            Object result = method.invoke(instance, arguments);
            if (output != null || reads) {
                return output == null ? new byte[0] : output.toByteArray();
            }
            return serialise(result);
        } catch (InvocationTargetException error) {
            throw Fault.thrown(error.getCause());
        } catch (Throwable error) {
            throw Fault.thrown(error);
        }
    }

    private Object parse(byte[] event, Type type) {
        try {
            return Binding.read(Json.read(new String(event, StandardCharsets.UTF_8)), Types.resolve(type, owner));
        } catch (RuntimeException error) {
            throw new RuntimeException("An error occurred during JSON parsing", error);
        }
    }

    private static byte[] serialise(Object result) {
        try {
            return Json.write(result).getBytes(StandardCharsets.UTF_8);
        } catch (RuntimeException error) {
            throw new RuntimeException("An error occurred during JSON serialization of response", error);
        }
    }

    private static Class<?> load(String name, ClassLoader loader) throws Fault {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException error) {
            throw new Fault("Class not found: " + name, error, false);
        } catch (NoClassDefFoundError error) {
            throw new Fault(loading(name, error), error, false);
        } catch (Throwable error) {
            throw new Fault(loading(name, error), error, true);
        }
    }

    private static String loading(String name, Throwable error) {
        return "Error loading class " + name + (error.getMessage() == null ? "" : ": " + error.getMessage());
    }

    private static Method ofInterface(Class<?> owner) throws Fault {
        for (String name : new String[] {AWS + "RequestStreamHandler", AWS + "RequestHandler"}) {
            if (Types.implementsNamed(owner, name)) {
                return named(owner, "handleRequest");
            }
        }
        throw new Fault("Class does not implement an appropriate handler interface: " + owner.getName());
    }

    /** Return the method of a name: not a bridge, with most parameters, a context preferred. */
    private static Method named(Class<?> owner, String name) throws Fault {
        Method best = null;
        int bestRank = -1;
        Method[] methods;
        try {
            methods = owner.getMethods();
        } catch (NoClassDefFoundError error) {
            throw new Fault("Error loading method " + name + " on class " + owner.getName(), error, false);
        }
        for (Method method : methods) {
            if (method.getName().equals(name) && isHandler(method.getParameterTypes())) {
                int rank = rank(method);
                if (rank > bestRank) {
                    best = method;
                    bestRank = rank;
                }
            }
        }
        if (best == null) {
            throw new Fault("No public method named " + name + " with appropriate method signature found on class "
                    + owner.getName());
        }
        return best;
    }

    private static int rank(Method method) {
        Class<?>[] types = method.getParameterTypes();
        int rank = types.length + (types.length > 0 && isContext(types[types.length - 1]) ? 1 : 0);
        return method.isBridge() ? rank : rank + 2 * PARAMETERS_MAX;
    }

    /** Whether a method takes an event, or the streams of one, or neither, and then perhaps a context. */
    private static boolean isHandler(Class<?>[] types) {
        int count = types.length;
        if (count > 0 && isContext(types[count - 1])) {
            count--;
        }
        for (int i = 0; i < count; i++) {
            if (isContext(types[i])) {
                return false;
            }
        }
        return count <= 1 || (count == 2 && types[0] == InputStream.class && types[1] == OutputStream.class);
    }

    private static boolean isContext(Class<?> type) {
        return type.getName().equals(CONTEXT);
    }

    private static Object construct(Class<?> owner) throws Fault {
        Constructor<?> constructor;
        try {
            constructor = owner.getConstructor();
        } catch (NoSuchMethodException error) {
            boolean inner = owner.getEnclosingClass() != null && !Modifier.isStatic(owner.getModifiers());
            String why = inner ? " cannot be instantiated because it is a non-static inner class"
                    : " has no public zero-argument constructor";
            throw Fault.constructing(new Exception("Class " + owner.getName() + why, inner ? null : error), false);
        }
        try {
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (InvocationTargetException error) {
            throw Fault.constructing(error.getCause(), true);
        } catch (Throwable error) {
            throw Fault.constructing(error, false);
        }
    }

    /** AWS Lambda Developer Guide, "Class path": the code, its lib folder's archives, then the layers'. */
    private static URL[] classPath(String code, String layers) {
        List<URL> found = new ArrayList<>();
        add(found, new File(code));
        addArchives(found, new File(code, "lib"));
        if (layers != null && !layers.isEmpty()) {
            addArchives(found, new File(layers, "java/lib"));
        }
        return found.toArray(new URL[0]);
    }

    private static void addArchives(List<URL> found, File folder) {
        File[] files = folder.listFiles();
        if (files != null) {
            Arrays.sort(files);
            for (File file : files) {
                if (file.getName().endsWith(".jar")) {
                    add(found, file);
                }
            }
        }
    }

    private static void add(List<URL> found, File file) {
        try {
            found.add(file.toURI().toURL());
        } catch (MalformedURLException error) {
            throw new AssertionError(error);
        }
    }
}
