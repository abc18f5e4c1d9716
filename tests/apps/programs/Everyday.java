// What Java programs do with threads, memory, files and children; prints the same in every run.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

public class Everyday {
    static long counter;

    static synchronized void count() {
        counter++;
    }

    static void threads(int n) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<Long>> parts = new ArrayList<>();
        for (int part = 0; part < 32; part++) {
            final int start = part;
            parts.add(pool.submit(() -> {
                long sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (i ^ start) % 7;
                    if (i % 1000 == 0)
                        count();
                }
                return sum;
            }));
        }
        long sum = 0;
        for (Future<Long> part : parts)
            sum += part.get();
        pool.shutdown();
        System.out.println("pool " + sum + " " + pool.awaitTermination(10, TimeUnit.SECONDS) + " " + counter);

        CountDownLatch latch = new CountDownLatch(200);
        ConcurrentHashMap<Integer, Integer> map = new ConcurrentHashMap<>();
        for (int i = 0; i < 200; i++) {
            final int k = i;
            new Thread(() -> {
                map.merge(k % 10, 1, Integer::sum);
                latch.countDown();
            }).start();
        }
        latch.await();
        System.out.println("threads " + map);
        System.out.println("parallel stream " + LongStream.range(0, n).parallel().map(x -> x * x % 11).sum());

        Thread sleeper = new Thread(() -> {
            try {
                Thread.sleep(100000);
            } catch (InterruptedException e) {
                System.out.println("interrupted");
            }
        });
        sleeper.start();
        sleeper.interrupt();
        sleeper.join();
    }

    // The compiled code finds null and the array's end by SIGSEGV, and threads stop for the collector at a protected page.
    static void faults() {
        int nulls = 0, ends = 0;
        int[] array = new int[10];
        for (int i = 0; i < 100000; i++) {
            try {
                String text = i % 100 == 0 ? null : "x";
                ends += text.length() > 1 ? 1 : 0;
                array[i % 11]++;
            } catch (NullPointerException e) {
                nulls++;
            } catch (ArrayIndexOutOfBoundsException e) {
                ends++;
            }
        }
        System.out.println("faults " + nulls + " " + ends);
        try {
            System.out.println(deep(0));
        } catch (StackOverflowError e) {
            System.out.println("stack overflow caught");
        }
    }

    static int deep(int n) {
        return deep(n + 1) + 1;
    }

    static void garbage(int n) {
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            byte[] block = new byte[10000];
            if (i % 100 == 0)
                kept.add(block);
        }
        System.gc();
        System.out.println("kept " + kept.size());
    }

    static void files() throws Exception {
        Path path = Files.createTempFile("java", "nio");
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
            for (int i = 0; i < 1 << 20; i++)
                map.put(i, (byte) (i % 251));
        }
        byte[] data = Files.readAllBytes(path);
        long sum = 0;
        for (byte b : data)
            sum += b & 255;
        Files.delete(path);
        System.out.println("mapped " + sum);
    }

    static void children() throws Exception {
        Process cat = new ProcessBuilder("tr", "a-z", "A-Z").start();
        try (OutputStream out = cat.getOutputStream()) {
            out.write("shout\n".getBytes());
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(cat.getInputStream()));
        System.out.println(in.readLine() + " " + cat.waitFor());
        int sum = 0;
        for (int i = 0; i < 20; i++)
            sum += new ProcessBuilder("sh", "-c", "exit " + i).start().waitFor();
        System.out.println("children " + sum);
        Process sleep = new ProcessBuilder("sleep", "100").start();
        sleep.destroy();
        System.out.println("destroyed " + sleep.waitFor());
    }

    static void sockets() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread echo = new Thread(() -> {
                try (Socket socket = server.accept()) {
                    socket.getInputStream().transferTo(socket.getOutputStream());
                } catch (Exception e) {
                    e.printStackTrace();
                }
            });
            echo.start();
            try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
                socket.getOutputStream().write(new byte[5000]);
                System.out.println("echo " + socket.getInputStream().readNBytes(5000).length);
            }
            echo.join();
        }
    }

    public static void main(String[] args) throws Exception {
        String mode = args.length > 0 ? args[0] : "all";
        if (mode.equals("fail"))
            throw new IllegalStateException("on purpose");
        if (mode.equals("wait")) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("shutdown hook")));
            System.out.println("ready");
            Thread.sleep(100000);
        }
        threads(mode.equals("quick") ? 20000 : 2000000);
        faults();
        garbage(mode.equals("quick") ? 1000 : 100000);
        files();
        children();
        sockets();
    }
}
