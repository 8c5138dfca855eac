// Compares files of `echo-client --hgrm` with what HdrHistogram itself prints for the same values. It
// has no reader of that text, so the grammar of what it prints is the one here: both texts must pass.
//
//     java -cp hdrhistogram.jar ForeignHgrm.java REPORT.json RUN.hgrm [REPORT.json RUN.hgrm]...

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.HdrHistogram.Histogram;

public class ForeignHgrm {
    static final double TOLERANCE = 0.01;
    static final int TICKS = 5; // rows per halving of the rest: the default of the library's tools
    static final double NS_PER_MS = 1e6;

    static final String HEAD = "       Value     Percentile TotalCount 1/(1-Percentile)";
    static final Pattern ROW =
            Pattern.compile(" *(\\d+\\.\\d+) ([01]\\.\\d{12}) +(\\d+)(?: +(\\d+\\.\\d\\d))?");
    static final Pattern MEAN =
            Pattern.compile("#\\[Mean    = +(\\d+\\.\\d+), StdDeviation   = +(\\d+\\.\\d+)\\]");
    static final Pattern MAX =
            Pattern.compile("#\\[Max     = +(\\d+\\.\\d+), Total count    = +(\\d+)\\]");
    static final Pattern BUCKETS =
            Pattern.compile("#\\[Buckets = +(\\d+), SubBuckets     = +(\\d+)\\]");

    /* An object with objects in it that have none. */
    static final Pattern LATENCY =
            Pattern.compile("\"latency_ns\":(\\{[^{}]*+(?:\\{[^{}]*+\\}[^{}]*+)*+\\})");

    record Row(double ns, double share, long count, double inverse) {}

    record Table(List<Row> rows, List<Double> footer, String exact) {}

    static Matcher match(Pattern pattern, String line) {
        Matcher matcher = pattern.matcher(line);
        check(matcher.matches(), "not of the format: '" + line + "'");
        return matcher;
    }

    static void check(boolean right, String what) {
        if (!right) {
            throw new IllegalStateException(what);
        }
    }

    static void close(String what, double value, double other) {
        // Values are rounded to a nanosecond.
        boolean right = Math.abs(value - other) <= TOLERANCE * other + 1;
        check(right, String.format(Locale.ROOT, "%s: %.1f ns, not %.1f ns", what, value, other));
    }

    /** Reads a text with values in `unit` nanoseconds. */
    static Table read(String text, double unit) {
        check(text.endsWith("\n"), "the last line is cut");
        List<String> lines = List.of(text.split("\n"));
        int end = lines.size() - 3;
        List<Row> rows = new ArrayList<>();
        check(lines.get(0).equals(HEAD) && lines.get(1).isEmpty(), "no head");
        for (String line : lines.subList(2, end)) {
            Matcher row = match(ROW, line);
            check((row.group(4) == null) == (rows.size() + 3 == end), "columns: '" + line + "'");
            rows.add(new Row(Double.parseDouble(row.group(1)) * unit,
                    Double.parseDouble(row.group(2)), Long.parseLong(row.group(3)),
                    row.group(4) == null ? 0 : Double.parseDouble(row.group(4))));
        }
        Matcher mean = match(MEAN, lines.get(end));
        Matcher max = match(MAX, lines.get(end + 1));
        Matcher buckets = match(BUCKETS, lines.get(end + 2));
        return new Table(rows,
                List.of(Double.parseDouble(mean.group(1)) * unit,
                        Double.parseDouble(mean.group(2)) * unit,
                        Double.parseDouble(max.group(1)) * unit),
                max.group(2) + " of " + buckets.group(1) + " x " + buckets.group(2));
    }

    /** The object of the whole run: the one with buckets. */
    static String latencyOf(String report) {
        Matcher object = LATENCY.matcher(report);
        while (object.find()) {
            if (object.group(1).contains("\"buckets\":")) {
                return object.group(1);
            }
        }
        throw new IllegalStateException("the report has no latency_ns with buckets");
    }

    static long member(String object, String name) {
        Matcher member = Pattern.compile("\"" + Pattern.quote(name) + "\":(\\d+)").matcher(object);
        check(member.find(), "no " + name);
        return Long.parseLong(member.group(1));
    }

    /** The percentiles of the report, in nanoseconds. */
    static Map<Double, Long> percentilesOf(String latency) {
        Map<Double, Long> values = new TreeMap<>();
        for (String name : List.of("50", "90", "99")) {
            values.put(Double.valueOf(name), member(latency, "p" + name));
        }
        Matcher each = Pattern.compile("\"(\\d+(?:\\.\\d+)?)\":(\\d+)").matcher(latency);
        while (each.find()) {
            values.put(Double.valueOf(each.group(1)), Long.valueOf(each.group(2)));
        }
        return values;
    }

    /** A histogram of the library with the same values, and with its buckets as wide as ours. */
    static Histogram rebuild(String latency) {
        Histogram histogram = new Histogram((1L << 42) - 1, 2);
        long max = member(latency, "max");
        String buckets = latency.substring(latency.indexOf("\"buckets\":"));
        Matcher bucket = Pattern.compile("\\[(\\d+),(\\d+)\\]").matcher(buckets);
        while (bucket.find()) {
            histogram.recordValueWithCount(Math.min(Long.parseLong(bucket.group(1)), max),
                    Long.parseLong(bucket.group(2)));
        }
        check(histogram.getTotalCount() == member(latency, "count"), "the buckets do not add up");
        return histogram;
    }

    static String print(Histogram histogram) {
        Locale.setDefault(Locale.ROOT);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        histogram.outputPercentileDistribution(new PrintStream(bytes), TICKS, 1.0);
        return bytes.toString();
    }

    /** Line by line: equal shares and counts, values within 1 %. */
    static void compare(Table ours, Table theirs) {
        check(ours.rows.size() == theirs.rows.size(),
                ours.rows.size() + " rows, not " + theirs.rows.size());
        for (int i = 0; i < ours.rows.size(); i++) {
            Row row = ours.rows.get(i);
            Row other = theirs.rows.get(i);
            // A half in the last decimal is rounded up by Java, and to even by C.
            boolean same = Math.abs(row.share - other.share) < 1.5e-12 && row.count == other.count
                    && Math.abs(row.inverse - other.inverse) < 0.015;
            check(same, row + ", not " + other);
            close(row.toString(), row.ns, other.ns);
        }
        for (int i = 0; i < ours.footer.size(); i++) {
            close("figure " + i + " at the end", ours.footer.get(i), theirs.footer.get(i));
        }
        check(ours.exact.equals(theirs.exact), ours.exact + ", not " + theirs.exact);
    }

    /** The first row that reaches a percentile is at or above it, the row before is not above. */
    static void checkRow(Table ours, double percentile, long value) {
        Row before = ours.rows.get(0);
        for (Row row : ours.rows) {
            if (row.share * 100 >= percentile) {
                check(row.ns >= value * (1 - TOLERANCE) - 1, "the row of p" + percentile);
                check(before.ns <= value * (1 + TOLERANCE) + 1, "the row before p" + percentile);
                return;
            }
            before = row;
        }
        check(false, "no row reaches p" + percentile);
    }

    static void checkRun(Path report, Path text) throws Exception {
        String latency = latencyOf(Files.readString(report));
        Histogram histogram = rebuild(latency);
        Table ours = read(Files.readString(text), NS_PER_MS);
        StringBuilder said = new StringBuilder();
        compare(ours, read(print(histogram), 1.0));
        for (Map.Entry<Double, Long> each : percentilesOf(latency).entrySet()) {
            double read = histogram.getValueAtPercentile(each.getKey());
            close("p" + each.getKey(), read, each.getValue());
            checkRow(ours, each.getKey(), each.getValue());
            said.append(String.format(Locale.ROOT, " p%s %.0f/%d", each.getKey(), read,
                    each.getValue()));
        }
        System.out.printf("%s: %d rows agree; HdrHistogram/report, ns:%s%n",
                text.getFileName(), ours.rows.size(), said);
    }

    public static void main(String[] paths) throws Exception {
        for (int i = 0; i + 1 < paths.length; i += 2) {
            try {
                checkRun(Path.of(paths[i]), Path.of(paths[i + 1]));
            } catch (IllegalStateException error) {
                System.err.println(paths[i + 1] + ": " + error.getMessage());
                System.exit(1);
            }
        }
    }
}
