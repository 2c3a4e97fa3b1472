import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.web.WebHdfsFileSystem;
import org.apache.hadoop.util.ToolRunner;

/**
 * Hadoop for the tests of interoperability, run from its source. `hdfs FOLDER` is an HDFS with three datanodes that lives until its
 * standard input ends. `shell URI` carries out a command of `hdfs dfs` for every line of standard input, its words in base64, and
 * answers with a line: the exit code, and in base64 what it wrote to standard output and to standard error.
 */
public class Hadoop {
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("hdfs")) hdfs(new File(arguments[1]));
    else shell(arguments[1]);
    // Threads of Hadoop's would keep the process.
    System.exit(0);
  }

  private static void hdfs(File folder) throws Exception {
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(new Configuration(), folder).numDataNodes(3).build();
    cluster.waitActive();
    System.out.println("ready at 127.0.0.1:" + cluster.getNameNode().getHttpAddress().getPort());
    while (System.in.read() >= 0) {}
    cluster.shutdown(true);
  }

  private static void shell(String uri) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set("fs.defaultFS", uri);
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream answers = System.out;
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = Arrays.stream(line.split(" ")).map(Hadoop::decoded).toArray(String[]::new);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      ByteArrayOutputStream err = new ByteArrayOutputStream();
      System.setOut(new PrintStream(out, true, "UTF-8"));
      System.setErr(new PrintStream(err, true, "UTF-8"));
      int code = run(configuration, words);
      answers.println(code + " " + encoded(out) + " " + encoded(err));
      answers.flush();
    }
  }

  /** `-allowSnapshot` is a command of `hdfs dfsadmin`, which only speaks to HDFS itself; the file system behind it is asked here. */
  private static int run(Configuration configuration, String[] words) {
    try {
      if (!words[0].equals("-allowSnapshot")) return ToolRunner.run(configuration, new FsShell(), words);
      ((WebHdfsFileSystem) FileSystem.get(configuration)).allowSnapshot(new Path(words[1]));
      return 0;
    } catch (Exception problem) {
      problem.printStackTrace(System.err);
      return -1;
    }
  }

  private static String decoded(String text) {
    return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
  }

  private static String encoded(ByteArrayOutputStream bytes) {
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
