// The folder of a Tomcat that runs OpenAM: configuration, empty folders, a hosts file of its own.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

export function prepareContainer(folder, { tomcat, webapp, host, port, directoryPort, adminPassword }) {
  for (const name of ['conf', 'temp', 'work', 'webapps', 'config', 'classes']) mkdirSync(join(folder, name));
  for (const name of ['web.xml', 'context.xml', 'catalina.properties']) {
    copyFileSync(join(tomcat, 'conf', name), join(folder, 'conf', name));
  }
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost ${host} ${hostname()}\n`);
  writeFileSync(join(folder, 'conf', 'server.xml'), serverXml({ webapp, port, classes: join(folder, 'classes') }));
  // At a restart OpenAM asks for its directory with the values of a form that nobody has sent, finds no password, and
  // tries once a second for a minute before it goes on (EmbeddedOpenDS.startServer). The values can have defaults.
  writeFileSync(
    join(folder, 'classes', 'serviceDefaultValues_en.properties'),
    `DIRECTORY_SERVER=${host}\nDIRECTORY_PORT=${directoryPort}\nDS_DIRMGRPASSWD=${adminPassword}\n`,
  );
}

/** Of OpenAM's 400 archives two have tag libraries, and none has annotated servlets: looking through all takes 8 s. */
const serverXml = ({ webapp, port, classes }) => `<?xml version="1.0"?>
<Server port="-1">
  <Service name="Catalina">
    <Connector port="${port}" address="127.0.0.1" protocol="HTTP/1.1" maxHttpRequestHeaderSize="65536"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" autoDeploy="false">
        <Context path="/openam" docBase="${webapp}">
          <Resources>
            <PreResources className="org.apache.catalina.webresources.DirResourceSet" base="${classes}" webAppMount="/WEB-INF/classes"/>
          </Resources>
          <JarScanner scanClassPath="false">
            <JarScanFilter defaultPluggabilityScan="false" defaultTldScan="false" tldScan="esapi-*.jar,jakarta.servlet.jsp.jstl-*.jar"/>
          </JarScanner>
        </Context>
      </Host>
    </Engine>
  </Service>
</Server>
`;
