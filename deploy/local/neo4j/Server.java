// Neo4j Community in one process, Bolt on loopback without authentication: for trying out and for tests, never for data.
import static org.neo4j.configuration.GraphDatabaseSettings.DEFAULT_DATABASE_NAME;

import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;

public class Server {
    public static void main(String[] arguments) throws Exception {
        java.nio.file.Path place = java.nio.file.Path.of(arguments[0]);
        int port = Integer.parseInt(arguments[1]);
        DatabaseManagementService service = new DatabaseManagementServiceBuilder(place)
            .setConfig(BoltConnector.enabled, true)
            .setConfig(BoltConnector.listen_address, new SocketAddress("127.0.0.1", port))
            .build();
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        service.database(DEFAULT_DATABASE_NAME);
        Thread.currentThread().join();
    }
}
