import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.io.PrintStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Netty's pooled allocator of direct buffers in the patterns of the bench: hot
 * pairs, batches of 64 freed last first, and buffers that another thread
 * releases. A pair is directBuffer(size) and release(): a Buffer's work, with
 * its reference count and the leak detector, where the other peers hand out raw
 * memory.
 *
 * <p>Prints "cell nanoseconds" lines, one a round: 31 rounds of 20 ms for each
 * cell after two seconds of warm-up, in which the compiler settles; with
 * --quick 7 of 5 ms after half a second. Run by the bench from this source.
 */
public final class NettyBench {
  private static final PooledByteBufAllocator ALLOCATOR =
      new PooledByteBufAllocator(/* preferDirect= */ true);

  /** A pattern of use: exactly so many allocations and releases. */
  private interface Workload {
    void run(int pairs);

    default void close() {}
  }

  private static final class HotPair implements Workload {
    private final int size;

    HotPair(int size) {
      this.size = size;
    }

    @Override
    public void run(int pairs) {
      for (int i = 0; i < pairs; ++i) {
        ALLOCATOR.directBuffer(size).release();
      }
    }
  }

  private static final class Batch implements Workload {
    private static final int LENGTH = 64;
    private final int[] sizes;
    private final ByteBuf[] buffers = new ByteBuf[LENGTH];
    private int next = 0;

    Batch(int... sizes) {
      this.sizes = sizes;
    }

    @Override
    public void run(int pairs) {
      for (int done = 0; done < pairs; done += LENGTH) {
        int count = Math.min(LENGTH, pairs - done);
        for (int i = 0; i < count; ++i) {
          buffers[i] = ALLOCATOR.directBuffer(sizes[next++ & (sizes.length - 1)]);
        }
        for (int i = count - 1; i >= 0; --i) {
          buffers[i].release();
        }
      }
    }
  }

  /**
   * One thread allocates, another releases; between them a ring of 256 whose
   * sides publish their position once in 32, as in the bench's other half.
   */
  private static final class Handover implements Workload {
    private static final int CAPACITY = 256;
    private static final int GROUP = 32;
    private static final VarHandle PUBLISHED = field("published");
    private static final VarHandle TAKEN = field("taken");

    private final int size;
    private final ByteBuf[] slots = new ByteBuf[CAPACITY];
    private final Thread consumer = new FastThreadLocalThread(this::consume);
    private long published = 0; // by way of PUBLISHED and TAKEN alone
    private long taken = 0;
    private long pushed = 0; // the producer's
    private volatile boolean closed = false;

    Handover(int size) {
      this.size = size;
      consumer.start();
    }

    private static VarHandle field(String name) {
      try {
        return MethodHandles.lookup().findVarHandle(Handover.class, name, long.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    /** Spins, then yields, so that one processor is enough. */
    private static int pause(int spins) {
      if (spins < 1000) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
      return spins + 1;
    }

    @Override
    public void run(int pairs) {
      long seen = (long) TAKEN.getAcquire(this);
      for (int i = 0; i < pairs; ++i) {
        if (pushed - seen == CAPACITY) {
          PUBLISHED.setRelease(this, pushed);
          int spins = 0;
          while (pushed - (seen = (long) TAKEN.getAcquire(this)) == CAPACITY) {
            spins = pause(spins);
          }
        }
        slots[(int) (pushed++ % CAPACITY)] = ALLOCATOR.directBuffer(size);
        if (pushed % GROUP == 0) {
          PUBLISHED.setRelease(this, pushed);
        }
      }
      PUBLISHED.setRelease(this, pushed);
      int spins = 0;
      while ((long) TAKEN.getAcquire(this) != pushed) {
        spins = pause(spins);
      }
    }

    private void consume() {
      long popped = 0;
      int spins = 0;
      while (!closed) {
        long end = (long) PUBLISHED.getAcquire(this);
        spins = popped < end ? 0 : pause(spins);
        while (popped < end) {
          slots[(int) (popped++ % CAPACITY)].release();
          if (popped % GROUP == 0) {
            TAKEN.setRelease(this, popped);
          }
        }
        TAKEN.setRelease(this, popped);
      }
    }

    @Override
    public void close() {
      closed = true;
      try {
        consumer.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** 4096 sizes from 64 B to 32 KiB, uniform in the logarithm. */
  private static int[] mixedSizes() {
    Random random = new Random(1);
    int[] sizes = new int[4096];
    for (int i = 0; i < sizes.length; ++i) {
      sizes[i] = (int) (64 * Math.pow(512, random.nextDouble()));
    }
    return sizes;
  }

  private static final int STEP_PAIRS = 6400;

  /** Whole steps for as long as `millis`; returns nanoseconds a pair. */
  private static double timed(Workload workload, long millis) {
    long start = System.nanoTime();
    long pairs = 0;
    long elapsed;
    do {
      workload.run(STEP_PAIRS);
      pairs += STEP_PAIRS;
      elapsed = System.nanoTime() - start;
    } while (elapsed < millis * 1_000_000);
    return (double) elapsed / pairs;
  }

  private static void measure(String cell, Workload workload, boolean quick, PrintStream out) {
    timed(workload, quick ? 500 : 2000);
    for (int round = 0; round < (quick ? 7 : 31); ++round) {
      out.printf(Locale.ROOT, "buffer/%s %.3f%n", cell, timed(workload, quick ? 5 : 20));
    }
    workload.close();
  }

  private static void measureAll(boolean quick, PrintStream out) {
    measure("hot/256", new HotPair(256), quick, out);
    measure("hot/14336", new HotPair(14336), quick, out);
    measure("hot/1048576", new HotPair(1 << 20), quick, out);
    measure("batch/mixed_lifo", new Batch(mixedSizes()), quick, out);
    measure("batch/14336_lifo", new Batch(14336), quick, out);
    measure("handover/256", new Handover(256), quick, out);
    measure("handover/14336", new Handover(14336), quick, out);
  }

  public static void main(String[] arguments) throws InterruptedException {
    boolean quick = List.of(arguments).contains("--quick");
    // A thread of Netty's own kind, with its fast thread-local caches.
    Thread thread = new FastThreadLocalThread(() -> measureAll(quick, System.out));
    thread.start();
    thread.join();
  }
}
